package kguard.runtime.priority_hides_rules_test

import data.kguard.runtime.priority_hides_rules as policy

_map := {"kind": "ConfigMap", "namespace": "falco", "name": "falco"}

_facts(effect) := {"losses": [{
	"ref": _map,
	"effect": effect,
	"cause": "priority",
	"name": "Error",
	"rules": ["a"],
	"of": 2,
	"explanation": "",
	"because": [],
}]}

test_deny_hidden if {
	findings := policy.deny with input as _facts("hidden")
	findings == {{
		"target": _map,
		"path": "priority",
		"message": "the minimum priority Error leaves out 1 of 2 rules: a",
		"evidence": [],
	}}
}

test_allow_others if {
	every effect in ["dead", "disabled"] {
		findings := policy.deny with input as _facts(effect)
		count(findings) == 0
	}
}
