package kguard.mtls.certificate_not_rotated_test

import data.kguard.mtls.certificate_not_rotated as policy

_facts(change) := {
	"params": {"mtls/certificate-long-lived": {"max_hours": 24}},
	"certificates": [object.union(
		{
			"ref": {"kind": "Deployment", "name": "istiod"},
			"subject": "workload",
			"name": "DEFAULT_WORKLOAD_CERT_TTL",
			"rotation": "automatic",
			"seconds": 86400,
			"because": [],
		},
		change,
	)],
}

test_deny_rotation_switched_off if {
	findings := policy.deny with input as _facts({"subject": "root", "name": "CHECK", "rotation": "off"})
	findings == {{
		"target": {"kind": "Deployment", "name": "istiod"},
		"path": "root/CHECK",
		"message": "CHECK: its rotation is switched off",
		"evidence": [],
		"severity": "medium",
	}}
}

test_deny_rotation_by_hand if {
	findings := policy.deny with input as _facts({"rotation": "manual"})
	count(findings) == 1
}

test_deny_a_renewal_that_fails if {
	severities := {found.severity | some found in policy.deny} with input as _facts({"rotation": "failing"})
	severities == {"high"}
}

test_deny_what_somebody_else_renews if {
	severities := {found.severity | some found in policy.deny} with input as _facts({"rotation": "elsewhere"})
	severities == {"low"}
}

test_allow_others if {
	every rotation in {"automatic", "long_lived"} {
		findings := policy.deny with input as _facts({"rotation": rotation})
		count(findings) == 0
		undecided := policy.unknown with input as _facts({"rotation": rotation})
		count(undecided) == 0
	}
}

test_unknown_duration if {
	findings := policy.unknown with input as _facts({"rotation": "unknown"})
	findings == {{
		"target": {"kind": "Deployment", "name": "istiod"},
		"path": "workload/DEFAULT_WORKLOAD_CERT_TTL",
		"message": "DEFAULT_WORKLOAD_CERT_TTL: when it is renewed cannot be read",
		"evidence": [],
	}}
	denied := policy.deny with input as _facts({"rotation": "unknown"})
	count(denied) == 0
}
