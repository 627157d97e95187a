package kguard.network.rules_without_effect_test

import data.kguard.network.rules_without_effect as policy

_policy := {
	"ref": {"kind": "NetworkPolicy", "namespace": "shop", "name": "web"}, "said": "NetworkPolicy shop/web",
	"state": "in_force",
	"selects": 1,
	"named": true,
	"near": "",
	"dangling": [],
	"unresolved": [],
	"idle": [],
	"problems": [],
	"because": [],
}

_facts(scope, change) := {"scope": scope, "policies": [object.union(_policy, change)]}

_defect := {"path": "x", "text": "what it is", "because": []}

test_deny_idle if {
	idle := {"path": "egress", "text": "Egress", "because": []}
	findings := policy.deny with input as _facts("app", {"idle": [idle]})
	findings == {{
		"target": {"kind": "NetworkPolicy", "namespace": "shop", "name": "web"},
		"path": "egress",
		"message": "the egress rules of NetworkPolicy shop/web restrict nothing: policyTypes does not list Egress",
		"evidence": [],
	}}
}

test_allow_sound if {
	findings := policy.deny with input as _facts("app", {})
	findings == set()
}
