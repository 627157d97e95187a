package kguard.images.not_pinned_test

import data.kguard.images.not_pinned as policy

test_deny_a_version_tag if {
	policy.deny == {_finding("app:1.2.3 is named by tag: other bytes can be pushed behind it")} with input as {"uses": [_use("version_tag")]}
}

test_deny_a_resolved_tag_mildly if {
	finding := object.union(
		_finding("app:1.2.3 is named by tag: the next revision runs what it names then"),
		{"severity": "info"},
	)
	policy.deny == {finding} with input as {"uses": [_use("resolved")]}
}

test_allow_digests_and_what_mutable_tag_says if {
	kinds := ["digest", "latest", "floating_tag", "unknown"]
	count(policy.deny) == 0 with input as {"uses": [_use(kind) | some kind in kinds]}
}

_ref := {"apiVersion": "v1", "kind": "Pod", "namespace": "shop", "name": "app"}

_use(kind) := {
	"ref": _ref,
	"role": "container",
	"container": "app",
	"image": "app:1.2.3",
	"label": "app:1.2.3",
	"mutability": kind,
	"because": [],
}

_finding(message) := {
	"target": _ref,
	"path": "container/app",
	"message": message,
	"evidence": [],
}
