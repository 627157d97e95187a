package kguard.network.named_port_unresolved_test

import data.kguard.network.named_port_unresolved as policy

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

test_deny_unresolved if {
	findings := policy.deny with input as _facts("app", {"unresolved": [object.union(_defect, {"text": "TCP http"})]})
	findings == {{
		"target": {"kind": "NetworkPolicy", "namespace": "shop", "name": "web"},
		"path": "x",
		"message": "NetworkPolicy shop/web means nothing at port TCP http: no pod declares it",
		"evidence": [],
	}}
}

test_allow_sound if {
	findings := policy.deny with input as _facts("app", {})
	findings == set()
}
