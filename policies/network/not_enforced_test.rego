package kguard.network.not_enforced_test

import data.kguard.network.not_enforced as policy

_facts(enforces, policies) := {
	"plugin": {"name": "flannel", "enforces": enforces, "because": [{"note": "by its DaemonSet"}]},
	"namespaces": [{"ref": {"kind": "Namespace", "name": "shop"}, "workloads": 1, "policies": policies}],
}

test_deny_not_enforced if {
	findings := policy.deny with input as _facts("false", 2)
	findings == {{
		"target": {"kind": "Namespace", "name": "shop"},
		"path": "",
		"message": "the 2 NetworkPolicies of namespace shop have no effect: the network plugin (flannel) enforces none",
		"evidence": [{"note": "by its DaemonSet"}],
	}}
}

test_allow_unknown_plugin if {
	findings := policy.deny with input as _facts("unknown", 2)
	findings == set()
}

test_allow_no_policies if {
	findings := policy.deny with input as _facts("false", 0)
	findings == set()
}

test_deny_one_policy if {
	findings := policy.deny with input as _facts("false", 1)
	{finding.message | some finding in findings} == {"the NetworkPolicy of namespace shop has no effect: the network plugin (flannel) enforces none"}
}
