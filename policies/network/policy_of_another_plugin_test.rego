package kguard.network.policy_of_another_plugin_test

import data.kguard.network.policy_of_another_plugin as policy

_ref := {"kind": "GlobalNetworkPolicy", "namespace": "", "name": "guard"}

_facts(state) := {
	"plugin": {"name": "cilium", "because": [{"ref": "b"}]},
	"policies": [{"ref": _ref, "said": "GlobalNetworkPolicy guard", "state": state, "because": [{"ref": "a"}]}],
}

test_deny_unknown_kind if {
	findings := policy.deny with input as _facts("other_plugin")
	findings == {{
		"target": _ref,
		"path": "",
		"message": "GlobalNetworkPolicy guard has no effect: the network plugin is cilium",
		"evidence": [{"ref": "a"}, {"ref": "b"}],
	}}
}

test_allow_other_states if {
	every state in {"in_force", "refused", "not_enforced"} {
		findings := policy.deny with input as _facts(state)
		findings == set()
	}
}
