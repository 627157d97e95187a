package kguard.images.enforcement_not_visible_test

import data.kguard.images.enforcement_not_visible as policy

test_deny_what_nobody_sees if {
	policy.deny == {{
		"target": _ref,
		"path": "",
		"message": "whether nodes refuse bad images of namespace shop is not visible",
		"evidence": ["why"],
	}} with input as _document("not_visible")
}

test_allow_what_is_seen if {
	count(policy.deny) == 0 with input as _document("enforced")
}

_ref := {"apiVersion": "v1", "kind": "Namespace", "name": "shop"}

_document(enforcement) := {
	"namespaces": [{"ref": _ref}],
	"uses": [{
		"ref": {"kind": "Pod", "namespace": "shop", "name": "app"},
		"enforcement": enforcement,
		"enforcement_because": ["why"],
	}],
}
