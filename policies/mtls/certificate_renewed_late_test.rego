package kguard.mtls.certificate_renewed_late_test

import data.kguard.mtls.certificate_renewed_late as policy

_facts(percent) := {
	"params": {"mtls/certificate-renewed-late": {"latest_percent": 90}},
	"certificates": [{
		"ref": {"kind": "Certificate", "name": "edge"},
		"subject": "certificate",
		"name": "edge",
		"rotation": "automatic",
		"seconds": 7776000,
		"renewed_at": percent,
		"because": [],
	}],
}

test_deny_a_renewal_at_the_very_end if {
	findings := policy.deny with input as _facts(99)
	findings == {{
		"target": {"kind": "Certificate", "name": "edge"},
		"path": "certificate/edge",
		"message": "edge: renewed after 99 % of its life, at most 90 % are accepted",
		"evidence": [],
	}}
}

test_allow_in_time_and_what_nothing_tells if {
	every percent in {-1, 0, 50, 67, 90} {
		findings := policy.deny with input as _facts(percent)
		count(findings) == 0
	}
}
