package kguard.network.refused_policy_test

import data.kguard.network.refused_policy as policy

_facts(version, state) := {"policies": [{
	"ref": {"apiVersion": version, "kind": "AdminNetworkPolicy", "namespace": "", "name": "guard"},
	"said": "AdminNetworkPolicy guard",
	"state": state,
	"problems": [{"path": "/spec/priority", "text": "5000 is above 1000", "because": [{"ref": "a"}]}],
}]}

test_deny_refused if {
	findings := policy.deny with input as _facts("policy.networking.k8s.io/v1alpha1", "refused")
	findings == {{
		"target": {
			"apiVersion": "policy.networking.k8s.io/v1alpha1",
			"kind": "AdminNetworkPolicy",
			"namespace": "",
			"name": "guard",
		},
		"path": "/spec/priority",
		"message": "AdminNetworkPolicy guard is refused and has no effect: 5000 is above 1000",
		"evidence": [{"ref": "a"}],
	}}
}

test_allow_what_other_checks_see if {
	findings := policy.deny with input as _facts("networking.k8s.io/v1", "refused")
	findings == set()
}

test_allow_in_force if {
	findings := policy.deny with input as _facts("policy.networking.k8s.io/v1alpha1", "in_force")
	findings == set()
}
