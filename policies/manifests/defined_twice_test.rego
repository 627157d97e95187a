package kguard.manifests.defined_twice_test

import data.kguard.manifests.defined_twice as policy

_duplicate(weight, together) := {
	"ref": {"kind": "ConfigMap", "name": "web"},
	"subject": "ConfigMap web",
	"weight": weight,
	"together": together,
	"detail": "twice",
	"because": [],
}

test_deny_by_weight[weight] if {
	some weight, severity in {"security": "high", "other": "medium"}
	findings := policy.deny with input as {"duplicates": [_duplicate(weight, "certain")]}
	findings == {{
		"target": {"kind": "ConfigMap", "name": "web"},
		"path": "",
		"message": "ConfigMap web is defined twice with different content",
		"evidence": [],
		"severity": severity,
	}}
}

test_deny_alternatives_mildly[weight] if {
	some weight, severity in {"security": "medium", "other": "low"}
	findings := policy.deny with input as {"duplicates": [_duplicate(weight, "possible")]}
	findings == {{
		"target": {"kind": "ConfigMap", "name": "web"},
		"path": "",
		"message": "which ConfigMap web counts depends on the files that are applied: its folder defines it twice",
		"evidence": [],
		"severity": severity,
	}}
}

test_allow_none if {
	findings := policy.deny with input as {"duplicates": []}
	findings == set()
}
