package kguard.images.tags_admitted_test

import data.kguard.images.tags_admitted as policy

test_deny_namespaces_that_admit_tags if {
	some rule in ["none", "warn_only", "audit_only", "fail_open"]
	policy.deny == {{
		"target": _ref,
		"path": "",
		"message": sprintf("namespace shop admits images by tag (digests: %s)", [rule]),
		"evidence": ["why"],
	}} with input as _document("cluster", rule, [])
}

test_allow_what_is_refused_or_not_known if {
	count(policy.deny) == 0 with input as _document("cluster", "enforced", [])
	count(policy.deny) == 0 with input as _document("cluster", "unknown", [])
}

test_allow_applications_and_exempt_namespaces if {
	count(policy.deny) == 0 with input as _document("app", "none", [])
	count(policy.deny) == 0 with input as _document("cluster", "none", ["shop"])
}

_ref := {"apiVersion": "v1", "kind": "Namespace", "name": "shop"}

_document(scope, rule, exempt) := {
	"scope": scope,
	"params": {"images/tags-admitted": {"exempt": exempt}},
	"namespaces": [{"ref": _ref, "digests": rule, "digests_because": ["why"]}],
}
