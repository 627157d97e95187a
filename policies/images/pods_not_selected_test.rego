package kguard.images.pods_not_selected_test

import data.kguard.images.pods_not_selected as policy

test_deny_pods_that_were_left_out if {
	policy.deny == {_finding} with input as _document("not_selected", "true")
}

test_allow_what_the_namespace_is_judged_for if {
	every looked_at in ["false", "unknown", "no_enforcer"] {
		count(policy.deny) == 0 with input as _document("not_selected", looked_at)
	}
}

test_allow_what_is_looked_at if {
	every value in ["enforced", "fail_open", "not_matched", "unknown"] {
		count(policy.deny) == 0 with input as _document(value, "true")
	}
}

_ref := {"apiVersion": "v1", "kind": "Pod", "namespace": "shop", "name": "app"}

_document(enforcement, looked_at) := {
	"namespaces": [{"ref": {"apiVersion": "v1", "kind": "Namespace", "name": "shop"}, "looked_at": looked_at}],
	"uses": [{
		"ref": _ref,
		"role": "container",
		"container": "app",
		"label": "app",
		"enforcement": enforcement,
		"enforcer": "kyverno",
		"enforcement_because": [],
	}],
}

_finding := {
	"target": _ref,
	"path": "container/app",
	"message": "kyverno does not look at the pods that run app",
	"evidence": [],
}
