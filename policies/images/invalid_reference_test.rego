package kguard.images.invalid_reference_test

import data.kguard.images.invalid_reference as policy

test_deny_what_cannot_be_read if {
	policy.deny == {{
		"target": _ref,
		"path": "container/app",
		"message": "app cannot start: \"Nginx\" is no image reference",
		"evidence": [],
	}} with input as {"uses": [_use("unknown")]}
}

test_allow_what_can_be_read if {
	count(policy.deny) == 0 with input as {"uses": [_use("latest"), _use("digest")]}
}

_ref := {"apiVersion": "v1", "kind": "Pod", "namespace": "shop", "name": "app"}

_use(kind) := {
	"ref": _ref,
	"role": "container",
	"container": "app",
	"image": "Nginx",
	"mutability": kind,
	"because": [],
}
