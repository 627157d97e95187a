package kguard.images.signed_by_stranger_test

import data.kguard.images.signed_by_stranger as policy

test_deny_strangers if {
	policy.deny == _expected("app is signed by a stranger: why", ["wrong_identity"]) with input as {"uses": [_use(class) | some class in ["wrong_identity"]]}
}

test_allow_others if {
	count(policy.deny) == 0 with input as {"uses": [_use(class) | some class in ["verified", "unsigned", "unjudged", "untrusted_root", "tampered"]]}
}

_ref := {"apiVersion": "v1", "kind": "Pod", "namespace": "shop", "name": "app"}

_use(class) := {
	"ref": _ref,
	"role": "container",
	"container": class,
	"image": "app",
	"label": "app",
	"signature": class,
	"signature_reason": "why",
	"signer": "who",
	"signature_because": [{"note": class}],
}

_expected(message, classes) := {finding |
	some class in classes
	finding := {
		"target": _ref,
		"path": sprintf("container/%s", [class]),
		"message": message,
		"evidence": [{"note": class}],
	}
}
