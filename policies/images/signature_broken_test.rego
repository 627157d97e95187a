package kguard.images.signature_broken_test

import data.kguard.images.signature_broken as policy

test_deny_what_does_not_hold if {
	policy.deny == _expected("the signature of app does not hold: why", ["tampered"]) with input as {"uses": [_use(class) | some class in ["tampered"]]}
}

test_allow_others if {
	count(policy.deny) == 0 with input as {"uses": [_use(class) | some class in ["verified", "unsigned", "wrong_identity", "expired_or_untimed"]]}
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
