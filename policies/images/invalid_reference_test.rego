package kguard.images.invalid_reference_test

import data.kguard.images.invalid_reference as policy

test_deny_what_cannot_be_read if {
	policy.deny == {_finding("app cannot start: \"Nginx\" is no image reference", "medium")} with input as {"uses": [_use("unknown", "false")]}
}

test_deny_placeholders_mildly if {
	policy.deny == {_finding("what app will run is not in the input: \"Nginx\" is a placeholder", "low")} with input as {"uses": [_use("unknown", "true")]}
}

test_allow_what_can_be_read if {
	count(policy.deny) == 0 with input as {"uses": [_use("latest", "false"), _use("digest", "false")]}
}

_ref := {"apiVersion": "v1", "kind": "Pod", "namespace": "shop", "name": "app"}

_use(kind, placeholder) := {
	"ref": _ref,
	"role": "container",
	"container": "app",
	"image": "Nginx",
	"mutability": kind,
	"placeholder": placeholder,
	"because": [],
}

_finding(message, severity) := {
	"target": _ref,
	"path": "container/app",
	"message": message,
	"evidence": [],
	"severity": severity,
}
