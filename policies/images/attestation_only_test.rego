package kguard.images.attestation_only_test

import data.kguard.images.attestation_only as policy

test_deny_an_image_without_signature_statement if {
	policy.deny == _expected("app has attestations, but no signature: why", ["verified_attestation_only"]) with input as {"uses": [_use(class) | some class in ["verified_attestation_only"]]}
}

test_allow_others if {
	count(policy.deny) == 0 with input as {"uses": [_use(class) | some class in ["verified", "unsigned"]]}
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
