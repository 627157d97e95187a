package kguard.network.repeated_rule_test

import data.kguard.network.repeated_rule as policy

_ref := {"kind": "NetworkPolicy", "namespace": "shop", "name": "web"}

_facts(repeated) := {"policies": [{"ref": _ref, "said": "NetworkPolicy shop/web", "repeated": repeated}]}

test_deny_repeated if {
	findings := policy.deny with input as _facts([{
		"path": "ingress addresses 10.1.2.0/24 at TCP 80",
		"text": "addresses 10.1.2.0/24 at TCP 80",
		"because": [{"ref": "a"}],
	}])
	findings == {{
		"target": _ref,
		"path": "ingress addresses 10.1.2.0/24 at TCP 80",
		"message": "a rule of NetworkPolicy shop/web is void, a wider one admits the same: addresses 10.1.2.0/24 at TCP 80",
		"evidence": [{"ref": "a"}],
	}}
}

test_allow_other_rules if {
	findings := policy.deny with input as _facts([])
	findings == set()
}
