package kguard.images.trust_root_stale_test

import data.kguard.images.trust_root_stale as policy

test_deny_stale_roots if {
	policy.deny == {_finding("root.json is out of date")} with input as _document("true", 10, 0)
}

test_deny_roots_older_than_the_limit if {
	message := "nothing in root.json is newer than 2026-01-01"
	policy.deny == {_finding(message)} with input as _document("unknown", 100, 90)
	policy.deny == {_finding(message)} with input as _document("false", 100, 90)
}

test_allow_fresh_roots if {
	count(policy.deny) == 0 with input as _document("false", 1000, 0)
	count(policy.deny) == 0 with input as _document("unknown", 80, 90)
}

_finding(message) := {
	"target": {"apiVersion": "", "kind": "TrustedRoot", "namespace": "", "name": "root.json", "cluster": ""},
	"path": "",
	"message": message,
	"evidence": ["why"],
}

_document(stale, age, limit) := {
	"params": {"images/trust-root-stale": {"max_age_days": limit}},
	"evidence": {"roots": [{
		"name": "root.json",
		"stale": stale,
		"newest": "2026-01-01",
		"age_days": age,
		"because": ["why"],
	}]},
}
