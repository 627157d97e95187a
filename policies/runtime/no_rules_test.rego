package kguard.runtime.no_rules_test

import data.kguard.runtime.no_rules as policy

_falco := {"kind": "Falco", "namespace": "falco", "name": "falco"}

_facts(rules) := {"installations": [{
	"ref": _falco,
	"rules": rules,
	"loaded": 0,
	"nodes": [],
	"because": [{"note": "here"}],
	"reasons": [{"note": "no Rulesfile"}],
}]}

test_deny_empty if {
	findings := policy.deny with input as _facts("empty")
	findings == {{
		"target": _falco,
		"path": "",
		"message": "falco runs with no rule in force (0 loaded): it sees nothing",
		"evidence": [{"note": "here"}, {"note": "no Rulesfile"}],
	}}
}

test_allow_others if {
	every rules in ["loads", "invalid", "unknown"] {
		findings := policy.deny with input as _facts(rules)
		count(findings) == 0
	}
}

test_deny_says_where if {
	facts := json.patch(_facts("empty"), [{"op": "replace", "path": "/installations/0/nodes", "value": ["a", "b"]}])
	some finding in policy.deny with input as facts
	finding.message == "falco runs with no rule in force (0 loaded) on a, b: it sees nothing"
}
