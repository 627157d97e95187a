package kguard.network.unreferenced_rule_test

import data.kguard.network.unreferenced_rule as policy

_ref := {"kind": "NetworkPolicy", "namespace": "shop", "name": "web"}

_facts(unreferenced) := {"policies": [{"ref": _ref, "said": "NetworkPolicy shop/web", "unreferenced": unreferenced}]}

test_deny_unreferenced if {
	findings := policy.deny with input as _facts([{
		"path": "from pods with app=cart of namespace shop at TCP 80",
		"text": "from cart at TCP 80",
		"because": [{"ref": "a"}],
	}])
	findings == {{
		"target": _ref,
		"path": "from pods with app=cart of namespace shop at TCP 80",
		"message": "NetworkPolicy shop/web admits traffic from cart at TCP 80, and nothing in the input asks for it",
		"evidence": [{"ref": "a"}],
	}}
}

test_allow_referenced if {
	findings := policy.deny with input as _facts([])
	findings == set()
}
