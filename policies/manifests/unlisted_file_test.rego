package kguard.manifests.unlisted_file_test

import data.kguard.manifests.unlisted_file as policy

_unlisted(weight) := {
	"ref": {"kind": "NetworkPolicy", "name": "web"},
	"subject": "NetworkPolicy web",
	"weight": weight,
	"kustomization": "shop/kustomization.yaml",
	"because": [],
}

test_deny_other if {
	policy.deny == {{
		"target": {"kind": "NetworkPolicy", "name": "web"},
		"path": "",
		"message": "NetworkPolicy web is judged, but shop/kustomization.yaml does not list its file",
		"evidence": [],
	}} with input as {"unlisted": [_unlisted("other")]}
	policy.unknown == set() with input as {"unlisted": [_unlisted("other")]}
}

test_unknown_protection if {
	policy.unknown == {{
		"target": {"kind": "NetworkPolicy", "name": "web"},
		"path": "",
		"message": "whether NetworkPolicy web is applied is not known: shop/kustomization.yaml does not list its file",
		"evidence": [],
		"severity": "high",
	}} with input as {"unlisted": [_unlisted("security")]}
	policy.deny == set() with input as {"unlisted": [_unlisted("security")]}
}

test_allow_none if {
	policy.deny == set() with input as {"unlisted": []}
	policy.unknown == set() with input as {"unlisted": []}
}
