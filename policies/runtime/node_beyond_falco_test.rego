package kguard.runtime.node_beyond_falco_test

import data.kguard.runtime.node_beyond_falco as policy

_facts(state, only, here) := {"nodes": [{
	"ref": {"kind": "Node", "name": "win-1"},
	"state": state,
	"detail": "kubernetes.io/os=windows",
	"only_here": only,
	"runs_here": here,
	"because": [{"note": "the label"}],
}]}

test_deny_workloads_out_of_reach if {
	findings := policy.deny with input as _facts("unwatchable", ["shop/b", "shop/a"], ["shop/a"])
	findings == {{
		"target": {"kind": "Node", "name": "win-1"},
		"path": "",
		"message": "no Falco can watch win-1 (kubernetes.io/os=windows): shop/a, shop/b",
		"evidence": [{"note": "the label"}],
	}}
}

test_allow_an_empty_node if {
	count(policy.deny) == 0 with input as _facts("unwatchable", [], [])
}

test_allow_nodes_that_can_be_watched if {
	count(policy.deny) == 0 with input as _facts("unwatched", ["shop/a"], [])
}
