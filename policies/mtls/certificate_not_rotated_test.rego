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
	}}
}

test_deny_rotation_by_hand if {
	findings := policy.deny with input as _facts({"rotation": "manual"})
	count(findings) == 1
}

test_allow_others if {
	every rotation in {"automatic", "long_lived", "elsewhere", "unknown"} {
		findings := policy.deny with input as _facts({"rotation": rotation})
		count(findings) == 0
	}
}
