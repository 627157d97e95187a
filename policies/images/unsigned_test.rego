package kguard.images.unsigned_test

import data.kguard.images.unsigned as policy

test_deny_what_nobody_signed if {
	policy.deny == _expected("nobody has signed app", ["unsigned"]) with input as {"uses": [_use(class) | some class in ["unsigned"]]}
}

test_allow_others if {
	count(policy.deny) == 0 with input as {"uses": [_use(class) | some class in ["verified", "not_evaluated", "signed_via_index", "unknown_auth"]]}
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
