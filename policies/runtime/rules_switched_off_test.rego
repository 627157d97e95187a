package kguard.runtime.rules_switched_off_test

import data.kguard.runtime.rules_switched_off as policy

_map := {"kind": "ConfigMap", "namespace": "falco", "name": "falco"}

_facts(effect) := _of(effect, 2)

_of(effect, all) := {"losses": [{
	"ref": _map,
	"effect": effect,
	"cause": "selection",
	"name": "*",
	"rules": ["a", "b"],
	"of": all,
	"explanation": "",
	"because": [],
}]}

test_deny_selection if {
	findings := policy.deny with input as _facts("disabled")
	findings == {{
		"target": _map,
		"path": "selection/*",
		"message": "2 of 2 rules are switched off: a, b",
		"evidence": [],
	}}
}

test_deny_rule_that_is_elsewhere if {
	findings := policy.deny with input as _of("disabled", 0)
	{finding.message | some finding in findings} == {"the rule * is switched off"}
}

test_allow_others if {
	every effect in ["dead", "hidden"] {
		findings := policy.deny with input as _facts(effect)
		count(findings) == 0
	}
}
