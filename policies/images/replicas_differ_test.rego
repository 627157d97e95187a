package kguard.images.replicas_differ_test

import data.kguard.images.replicas_differ as policy

test_deny_different_replicas if {
	policy.deny == {_finding} with input as {"uses": [_use("false")]}
}

test_allow_equal_or_unseen_replicas if {
	count(policy.deny) == 0 with input as {"uses": [_use(alike) | some alike in ["true", "unknown"]]}
}

_ref := {"apiVersion": "apps/v1", "kind": "Deployment", "namespace": "shop", "name": "web"}

_use(alike) := {
	"ref": _ref,
	"role": "container",
	"container": "web",
	"label": "shop/web:1",
	"running": ["sha256:1", "sha256:2"],
	"alike": alike,
	"because": [{"note": "named"}],
	"running_because": [{"note": "seen"}],
}

_finding := {
	"target": _ref,
	"path": "container/web",
	"message": "pods run 2 different images under shop/web:1",
	"evidence": [{"note": "named"}, {"note": "seen"}],
}
