package kguard.network.dangling_peer_test

import data.kguard.network.dangling_peer as policy

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

test_deny_dangling if {
	findings := policy.deny with input as _facts("app", {"dangling": [_defect]})
	findings == {{
		"target": {"kind": "NetworkPolicy", "namespace": "shop", "name": "web"},
		"path": "x",
		"message": "NetworkPolicy shop/web names pods that do not exist: what it is",
		"evidence": [],
	}}
}

test_allow_sound if {
	findings := policy.deny with input as _facts("app", {})
	findings == set()
}
