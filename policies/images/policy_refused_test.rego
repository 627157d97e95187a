package kguard.images.policy_refused_test

import data.kguard.images.policy_refused as policy

test_deny_refused_policies if {
	policy.deny == {{
		"target": _ref,
		"path": "r",
		"message": "signed is not in force: its enforcer refuses it",
		"evidence": ["why"],
	}} with input as {"policies": [_policy("true"), _policy("false")]}
}

test_allow_policies_in_force if {
	count(policy.deny) == 0 with input as {"policies": [_policy("false")]}
}

_ref := {"apiVersion": "policy.sigstore.dev/v1beta1", "kind": "ClusterImagePolicy", "name": "signed"}

_policy(refused) := {"ref": _ref, "rule": "r", "refused": refused, "refused_because": ["why"]}
