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

test_unknown_in_a_whole_cluster if {
	policy.unknown == {_finding("whether kyverno refuses a bad app is not known")} with input as _document("cluster", "unknown")
}

test_allow_unknown_in_an_application if {
	count(policy.unknown) == 0 with input as _document("app", "unknown")
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
