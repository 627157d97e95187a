package kguard.images.not_enforced_test

import data.kguard.images.not_enforced as policy

test_deny_a_namespace_that_was_left_out if {
	document := _document("app", "false", "shop")
	policy.deny == {_finding("no enforcer looks at the pods of namespace shop (3 images)")} with input as document
}

test_allow_where_there_is_none if {
	count(policy.deny) == 0 with input as _document("cluster", "no_enforcer", "shop")
}

test_allow_what_is_looked_at if {
	count(policy.deny) == 0 with input as _document("cluster", "true", "shop")
}

test_allow_exempt_namespaces if {
	count(policy.deny) == 0 with input as _document("cluster", "false", "kube-system")
}

test_unknown_where_labels_are_not_known if {
	document := _document("cluster", "unknown", "shop")
	policy.unknown == {_finding("whether an enforcer looks at namespace shop is not known (3 images)")} with input as document
}

_ref(name) := {"apiVersion": "v1", "kind": "Namespace", "name": name}

_document(scope, looked_at, name) := {
	"scope": scope,
	"namespaces": [{"ref": _ref(name), "looked_at": looked_at, "images": 3, "because": []}],
	"params": {"images/not-enforced": {"exempt": ["kube-system"]}},
}

_finding(message) := {
	"target": _ref("shop"),
	"path": "",
	"message": message,
	"evidence": [],
}
