package kguard.images.image_not_found_test

import data.kguard.images.image_not_found as policy

test_deny_missing_images if {
	policy.deny == {{
		"target": _ref,
		"path": "container/app",
		"message": "app is not in its registry",
		"evidence": ["why"],
	}} with input as {"uses": [_use("not_found")]}
}

test_allow_images_that_are_there if {
	count(policy.deny) == 0 with input as {"uses": [_use("verified")]}
}

_ref := {"apiVersion": "v1", "kind": "Pod", "namespace": "shop", "name": "app"}

_use(signature) := {
	"ref": _ref,
	"role": "container",
	"container": "app",
	"label": "app",
	"signature": signature,
	"signature_because": ["why"],
}
