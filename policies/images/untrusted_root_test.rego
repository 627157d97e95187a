package kguard.images.untrusted_root_test

import data.kguard.images.untrusted_root as policy

test_deny_authorities_of_their_own if {
	policy.deny == {_finding} with input as _document("untrusted_root")
}

test_allow_every_other_class if {
	every class in [
		"verified",
		"verified_attestation_only",
		"signed_via_index",
		"unjudged",
		"wrong_identity",
		"tampered",
		"expired_or_untimed",
		"unverifiable_offline",
		"unsupported_format",
		"unsigned",
		"not_found",
		"unresolvable",
		"unknown_auth",
		"unknown_rate_limited",
		"unknown_unreachable",
		"unknown_unreadable",
		"not_evaluated",
	] {
		count(policy.deny) == 0 with input as _document(class)
	}
}

_ref := {"apiVersion": "v1", "kind": "Pod", "namespace": "shop", "name": "app"}

_document(class) := {"uses": [{
	"ref": _ref,
	"role": "container",
	"container": "app",
	"label": "app:1",
	"signature": class,
	"signature_reason": "why",
	"signature_because": [{"note": "why"}],
}]}

_finding := {
	"target": _ref,
	"path": "container/app",
	"message": "the signature of app:1 comes from authorities that are not trusted: why",
	"evidence": [{"note": "why"}],
}
