package kguard.images.dead_pattern_test

import data.kguard.images.dead_pattern as policy

test_deny_refused_patterns if {
	finding := _finding("signed has a pattern that can match nothing: x", "medium")
	policy.deny == {finding} with input as _document("app", "false", 0)
}

test_deny_patterns_without_images_in_a_cluster if {
	finding := _finding("signed has a pattern that no image matches: x", "low")
	policy.deny == {finding} with input as _document("cluster", "true", 0)
}

test_allow_patterns_without_images_in_an_application if {
	count(policy.deny) == 0 with input as _document("app", "true", 0)
}

test_allow_patterns_that_match if {
	count(policy.deny) == 0 with input as _document("cluster", "true", 2)
}

_ref := {"apiVersion": "kyverno.io/v1", "kind": "ClusterPolicy", "name": "signed"}

_document(scope, valid, images) := {
	"scope": scope,
	"policies": [{
		"ref": _ref,
		"rule": "r",
		"patterns": [{"text": "x", "valid": valid, "images": images, "because": []}],
	}],
}

_finding(message, severity) := {
	"target": _ref,
	"path": "r/x",
	"message": message,
	"evidence": [],
	"severity": severity,
}
