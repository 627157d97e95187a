package kguard.runtime.rule_shadowed_test

import data.kguard.runtime.rule_shadowed as policy

_map := {"kind": "ConfigMap", "namespace": "falco", "name": "falco-rules"}

_falco(judged) := {
	"ref": {"kind": "DaemonSet", "name": "falco"},
	"shadows_judged": judged,
	"because": [],
}

_facts := {
	"shadows": [{
		"ref": _map,
		"rule": "Shell",
		"priority": "Critical",
		"by": "Process",
		"by_priority": "Debug",
		"because": [],
	}],
	"installations": [_falco("all")],
}

test_deny_shadowed if {
	findings := policy.deny with input as _facts
	findings == {{
		"target": _map,
		"path": "Shell",
		"message": "the rule Shell (Critical) never raises an alert: Process (Debug) matches first",
		"evidence": [],
	}}
}

test_allow_none if {
	facts := {"shadows": [], "installations": [_falco("all"), _falco("none")]}
	denied := policy.deny with input as facts
	unsure := policy.unknown with input as facts
	count(denied | unsure) == 0
}

test_unknown_many_rules if {
	findings := policy.unknown with input as {"shadows": [], "installations": [_falco("some")]}
	count(findings) == 1
}
