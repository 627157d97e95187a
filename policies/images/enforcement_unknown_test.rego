package kguard.images.enforcement_unknown_test

import data.kguard.images.enforcement_unknown as policy

test_deny_where_the_settings_say_so if {
	policy.deny == {_finding} with input as _document("cluster", "unknown", true)
}

test_allow_by_default if {
	count(policy.deny) == 0 with input as _document("cluster", "unknown", false)
}

test_unknown_in_a_whole_cluster if {
	policy.unknown == {_finding} with input as _document("cluster", "unknown", false)
}

test_allow_unknown_in_an_application if {
	every fail in [true, false] {
		count(policy.unknown | policy.deny) == 0 with input as _document("app", "unknown", fail)
	}
}

test_allow_every_other_value if {
	every value in ["enforced", "fail_open", "warn_only", "audit_only", "trivially_true", "not_matched", "not_selected", "none", "not_visible"] {
		count(policy.unknown | policy.deny) == 0 with input as _document("cluster", value, true)
	}
}

_ref := {"apiVersion": "v1", "kind": "Pod", "namespace": "shop", "name": "app"}

_document(scope, enforcement, fail) := {
	"scope": scope,
	"uses": [{
		"ref": _ref,
		"role": "container",
		"container": "app",
		"label": "app",
		"enforcement": enforcement,
		"enforcer": "kyverno",
		"enforcement_because": [],
	}],
	"params": {"images/enforcement-unknown": {"fail": fail}},
}

_finding := {
	"target": _ref,
	"path": "container/app",
	"message": "whether kyverno refuses a bad app is not known",
	"evidence": [],
}
