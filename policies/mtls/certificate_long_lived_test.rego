package kguard.mtls.certificate_long_lived_test

import data.kguard.mtls.certificate_long_lived as policy

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

test_deny_a_year if {
	findings := policy.deny with input as _facts({"rotation": "long_lived", "seconds": 31536000})
	findings == {{
		"target": {"kind": "Deployment", "name": "istiod"},
		"path": "DEFAULT_WORKLOAD_CERT_TTL",
		"message": "certificates of workloads live 8760 hours (DEFAULT_WORKLOAD_CERT_TTL), at most 24 are accepted",
		"evidence": [],
	}}
}

test_allow_a_day if {
	findings := policy.deny with input as _facts({})
	count(findings) == 0
}

test_allow_other_certificates if {
	findings := policy.deny with input as _facts({"subject": "certificate", "seconds": 31536000})
	count(findings) == 0
}
