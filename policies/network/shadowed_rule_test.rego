package kguard.network.shadowed_rule_test

import data.kguard.network.shadowed_rule as policy

_ref := {"kind": "AdminNetworkPolicy", "namespace": "", "name": "guard"}

_facts(shadowed) := {"policies": [{"ref": _ref, "said": "AdminNetworkPolicy guard", "shadowed": shadowed}]}

test_deny_shadowed if {
	findings := policy.deny with input as _facts([{
		"path": "ingress deny every pod of namespace shop at every port",
		"text": "deny every pod of namespace shop at every port",
		"because": [{"ref": "a"}],
	}])
	findings == {{
		"target": _ref,
		"path": "ingress deny every pod of namespace shop at every port",
		"message": "a rule of AdminNetworkPolicy guard never decides, another one comes before it: deny every pod of namespace shop at every port",
		"evidence": [{"ref": "a"}],
	}}
}

test_allow_rules_that_decide if {
	findings := policy.deny with input as _facts([])
	findings == set()
}
