package kguard.network.refused_policy_test

import data.kguard.network.refused_policy as policy

_policy := {
	"ref": {"kind": "NetworkPolicy", "namespace": "shop", "name": "web"},
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

test_deny_refused if {
	findings := policy.deny with input as _facts("app", {"state": "refused", "problems": [_defect]})
	findings == {{
		"target": {"kind": "NetworkPolicy", "namespace": "shop", "name": "web"},
		"path": "",
		"message": "NetworkPolicy shop/web is refused by the API server: what it is",
		"evidence": [],
	}}
}

test_allow_in_force if {
	findings := policy.deny with input as _facts("app", {})
	findings == set()
}
