package kguard.images.not_matched_test

import data.kguard.images.not_matched as policy

test_deny_what_no_policy_applies_to if {
	policy.deny == {_finding("kyverno lets app in: none of its policies applies")} with input as _document("app", "not_matched")
}

test_allow_everything_else if {
	every value in ["enforced", "warn_only", "none", "not_selected", "unknown"] {
		count(policy.deny) == 0 with input as _document("cluster", value)
	}
}

_ref := {"apiVersion": "v1", "kind": "Pod", "namespace": "shop", "name": "app"}

_document(scope, enforcement) := {
	"scope": scope,
	"uses": [{
		"ref": _ref,
		"role": "container",
		"container": "app",
		"image": "app",
		"label": "app",
		"enforcement": enforcement,
		"enforcer": "kyverno",
		"enforcement_because": [],
	}],
}

_finding(message) := {
	"target": _ref,
	"path": "container/app",
	"message": message,
	"evidence": [],
}
