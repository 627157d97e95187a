package kguard.images.signature_untimed_test

import data.kguard.images.signature_untimed as policy

test_deny_without_a_time_that_counts if {
	policy.deny == {_finding} with input as _document("expired_or_untimed")
}

test_allow_every_other_class if {
	every class in [
		"verified",
		"verified_attestation_only",
		"signed_via_index",
		"unjudged",
		"wrong_identity",
		"untrusted_root",
		"tampered",
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
	"message": "nothing proves that app:1 was signed in time: why",
	"evidence": [{"note": "why"}],
}
