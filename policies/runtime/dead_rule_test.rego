package kguard.runtime.dead_rule_test

import data.kguard.runtime.dead_rule as policy

_map := {"kind": "ConfigMap", "namespace": "falco", "name": "falco-rules"}

_facts(cause) := {"losses": [{
	"ref": _map,
	"effect": "dead",
	"cause": cause,
	"name": "a",
	"rules": ["a"],
	"of": 25,
	"explanation": "`x in ()` is never true",
	"because": [],
}]}

test_deny_contradiction if {
	findings := policy.deny with input as _facts("itself")
	findings == {{
		"target": _map,
		"path": "a",
		"message": "the rule a can never match: `x in ()` is never true",
		"evidence": [],
	}}
}

test_allow_what_a_change_did if {
	findings := policy.deny with input as _facts("macro")
	count(findings) == 0
}
