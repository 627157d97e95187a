package kguard.images.tag_moved_test

import data.kguard.images.tag_moved as policy

test_deny_a_moved_tag if {
	policy.deny == {_finding("medium")} with input as {"uses": [_use("true", "pod_status")]}
}

test_knative_runs_on if {
	policy.deny == {_finding("low")} with input as {"uses": [_use("true", "revision_status")]}
}

test_allow_what_did_not_move if {
	uses := [_use(moved, "pod_status") | some moved in ["false", "unknown"]]
	count(policy.deny) == 0 with input as {"uses": uses}
}

_ref := {"apiVersion": "apps/v1", "kind": "Deployment", "namespace": "shop", "name": "web"}

_use(moved, how) := {
	"ref": _ref,
	"role": "container",
	"container": "web",
	"image": "shop/web:1",
	"digest": "sha256:0123456789abcdef",
	"how": how,
	"moved": moved,
	"moved_to": "sha256:fedcba9876543210",
	"because": [{"note": "named"}],
	"running_because": [{"note": "seen"}],
}

_finding(severity) := {
	"target": _ref,
	"path": "container/web",
	"message": "shop/web:1 names sha256:fedcba987654 now, web runs sha256:0123456789ab",
	"evidence": [{"note": "named"}, {"note": "seen"}],
	"severity": severity,
}
