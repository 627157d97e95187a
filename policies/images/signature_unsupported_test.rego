package kguard.images.signature_unsupported_test

import data.kguard.images.signature_unsupported as policy

test_deny_where_the_settings_say_so if {
	policy.deny == {_finding} with input as _document("unsupported_format", true)
}

test_allow_by_default if {
	count(policy.deny) == 0 with input as _document("unsupported_format", false)
}

test_unknown_by_default if {
	policy.unknown == {_finding} with input as _document("unsupported_format", false)
}

test_unknown_no_more_where_it_fails if {
	count(policy.unknown) == 0 with input as _document("unsupported_format", true)
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
		"expired_or_untimed",
		"unverifiable_offline",
		"unsigned",
		"not_found",
		"unresolvable",
		"unknown_auth",
		"unknown_rate_limited",
		"unknown_unreachable",
		"unknown_unreadable",
		"not_evaluated",
	] {
		every fail in [true, false] {
			count(policy.unknown | policy.deny) == 0 with input as _document(class, fail)
		}
	}
}

_ref := {"apiVersion": "v1", "kind": "Pod", "namespace": "shop", "name": "app"}

_document(class, fail) := {
	"uses": [{
		"ref": _ref,
		"role": "container",
		"container": "app",
		"label": "app:1",
		"signature": class,
		"signature_reason": "why",
		"signer": "who",
		"signature_because": [{"note": "why"}],
	}],
	"params": {"images/signature-unsupported": {"fail": fail}},
}

_finding := {
	"target": _ref,
	"path": "container/app",
	"message": "the signature of app:1 cannot be read: why",
	"evidence": [{"note": "why"}],
}
