package kguard.runtime.alerts_not_forwarded_test

import data.kguard.runtime.alerts_not_forwarded as policy

_facts(names) := {"installations": [{
	"ref": {"kind": "DaemonSet", "namespace": "falco", "name": "falco"},
	"unheard": names,
	"delivery": [{"note": "sent to Falcosidekick"}],
}]}

test_deny_rules_below_every_output if {
	findings := policy.deny with input as _facts(["a", "b", "c", "d"])
	findings == {{
		"target": {"kind": "DaemonSet", "namespace": "falco", "name": "falco"},
		"path": "",
		"message": "alerts of 4 rules (a, b, c) reach nobody: no output takes their priority",
		"evidence": [{"note": "sent to Falcosidekick"}],
	}}
}

test_deny_one_rule if {
	some finding in policy.deny with input as _facts(["a"])
	finding.message == "alerts of the rule a reach nobody: no output takes their priority"
}

test_allow_when_all_are_taken if {
	count(policy.deny) == 0 with input as _facts([])
}
