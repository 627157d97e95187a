package kguard.images.mirror_answers_for_other_registry_test

import data.kguard.images.mirror_answers_for_other_registry as policy

test_deny_a_mirror_that_resolves if {
	message := "m answers for docker.io and says what a tag names there (2 images of the input are named by tag)"
	policy.deny == {_finding(message, "medium")} with input as _document("false", "true", "true")
}

test_deny_a_mirror_without_tls_loudly if {
	message := "m answers for docker.io without verified TLS (2 images of the input are named by tag)"
	policy.deny == {_finding(message, "high")} with input as _document("false", "true", "false")
}

test_allow_a_mirror_that_only_pulls if {
	count(policy.deny) == 0 with input as _document("false", "false", "true")
}

test_allow_the_registry_itself if {
	count(policy.deny) == 0 with input as _document("true", "true", "true")
}

_ref := {"kind": "File", "name": "hosts.toml"}

_document(same, resolves, encrypted) := {"mirrors": [{
	"ref": _ref,
	"registry": "docker.io",
	"host": "m",
	"same_registry": same,
	"resolves": resolves,
	"encrypted": encrypted,
	"unpinned": 2,
	"because": [],
}]}

_finding(message, severity) := {
	"target": _ref,
	"path": "docker.io/m",
	"message": message,
	"evidence": [],
	"severity": severity,
}
