package kguard.manifests.defined_twice_test

import data.kguard.manifests.defined_twice as policy

_duplicate(weight) := {
	"ref": {"kind": "ConfigMap", "name": "web"},
	"subject": "ConfigMap web",
	"weight": weight,
	"detail": "2 times",
	"because": [],
}

test_deny_by_weight[weight] if {
	some weight, severity in {"security": "high", "other": "medium"}
	findings := policy.deny with input as {"duplicates": [_duplicate(weight)]}
	findings == {{
		"target": {"kind": "ConfigMap", "name": "web"},
		"path": "",
		"message": "ConfigMap web is defined 2 times with different content",
		"evidence": [],
		"severity": severity,
	}}
}

test_allow_none if {
	findings := policy.deny with input as {"duplicates": []}
	findings == set()
}
