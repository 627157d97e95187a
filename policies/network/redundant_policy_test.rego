package kguard.network.redundant_policy_test

import data.kguard.network.redundant_policy as policy

_ref := {"kind": "NetworkPolicy", "namespace": "shop", "name": "web"}

_facts(redundant) := {"policies": [{"ref": _ref, "said": "NetworkPolicy shop/web", "redundant": redundant, "because": [{"ref": "a"}]}]}

test_deny_redundant if {
	findings := policy.deny with input as _facts([{"ref": "b"}])
	findings == {{
		"target": _ref,
		"path": "",
		"message": "without NetworkPolicy shop/web everything stays as it is",
		"evidence": [{"ref": "a"}, {"ref": "b"}],
	}}
}

test_allow_needed if {
	findings := policy.deny with input as _facts([])
	findings == set()
}
