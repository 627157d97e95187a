package kguard.images.mutable_tag_test

import data.kguard.images.mutable_tag as policy

test_deny_moving_tags if {
	policy.deny == _expected with input as {"uses": [_use("latest"), _use("floating_tag")]}
}

test_allow_what_does_not_move if {
	kinds := ["digest", "resolved", "version_tag", "unknown"]
	count(policy.deny) == 0 with input as {"uses": [_use(kind) | some kind in kinds]}
}

_ref := {"apiVersion": "apps/v1", "kind": "Deployment", "namespace": "shop", "name": "web"}

_use(kind) := {
	"ref": _ref,
	"role": "container",
	"container": kind,
	"image": "nginx",
	"mutability": kind,
	"because": [{"note": kind}],
}

_expected := {finding |
	some kind in ["latest", "floating_tag"]
	finding := {
		"target": _ref,
		"path": sprintf("container/%s", [kind]),
		"message": sprintf("container %s runs whatever nginx names at the moment of the pull", [kind]),
		"evidence": [{"note": kind}],
	}
}
