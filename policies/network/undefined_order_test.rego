package kguard.network.undefined_order_test

import data.kguard.network.undefined_order as policy

_ref := {"kind": "AdminNetworkPolicy", "namespace": "", "name": "guard"}

_facts(tied) := {"policies": [{"ref": _ref, "said": "AdminNetworkPolicy guard", "tied": tied}]}

test_deny_equal_priorities if {
	findings := policy.deny with input as _facts([{
		"path": "gate",
		"text": "AdminNetworkPolicy gate",
		"because": [{"ref": "a"}],
	}])
	findings == {{
		"target": _ref,
		"path": "gate",
		"message": "AdminNetworkPolicy guard has the priority of AdminNetworkPolicy gate: which of them is asked first, nobody knows",
		"evidence": [{"ref": "a"}],
	}}
}

test_allow_priorities_of_their_own if {
	findings := policy.deny with input as _facts([])
	findings == set()
}
