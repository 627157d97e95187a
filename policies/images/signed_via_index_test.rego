package kguard.images.signed_via_index_test

import data.kguard.images.signed_via_index as policy

test_deny_images_whose_index_alone_is_signed if {
	policy.deny == {{
		"target": _ref,
		"path": "container/app",
		"message": "only an index that lists app is signed",
		"evidence": ["why"],
	}} with input as {"uses": [_use("signed_via_index")]}
}

test_allow_signed_images if {
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
