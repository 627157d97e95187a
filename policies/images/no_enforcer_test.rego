package kguard.images.no_enforcer_test

import data.kguard.images.no_enforcer as policy

test_deny_a_cluster_without_enforcer if {
	policy.deny == {_finding} with input as _document("cluster", "no_enforcer", "shop")
}

test_allow_an_application_without_enforcer if {
	count(policy.deny) == 0 with input as _document("app", "no_enforcer", "shop")
}

test_allow_where_there_is_one if {
	every looked_at in ["true", "false", "unknown"] {
		count(policy.deny) == 0 with input as _document("cluster", looked_at, "shop")
	}
}

test_allow_exempt_namespaces if {
	count(policy.deny) == 0 with input as _document("cluster", "no_enforcer", "kube-system")
}

_ref(name) := {"apiVersion": "v1", "kind": "Namespace", "name": name}

_document(scope, looked_at, name) := {
	"scope": scope,
	"namespaces": [{"ref": _ref(name), "looked_at": looked_at, "images": 3, "because": []}],
	"params": {"images/no-enforcer": {"exempt": ["kube-system"]}},
}

_finding := {
	"target": _ref("shop"),
	"path": "",
	"message": "nothing refuses unsigned images in namespace shop (3 images)",
	"evidence": [],
}
