package kguard.images.evidence_unreadable_test

import data.kguard.images.evidence_unreadable as policy

test_deny_where_the_settings_say_so if {
	policy.deny == {_finding} with input as _document("unknown_unreadable", true)
}

test_allow_by_default if {
	count(policy.deny) == 0 with input as _document("unknown_unreadable", false)
}

test_unknown_by_default if {
	policy.unknown == {_finding} with input as _document("unknown_unreadable", false)
}

test_unknown_no_more_where_it_fails if {
	count(policy.unknown) == 0 with input as _document("unknown_unreadable", true)
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
		"unsupported_format",
		"unsigned",
		"not_found",
		"unresolvable",
		"unknown_auth",
		"unknown_rate_limited",
		"unknown_unreachable",
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
	"params": {"images/evidence-unreadable": {"fail": fail}},
}

_finding := {
	"target": _ref,
	"path": "container/app",
	"message": "whether app:1 is signed is not known: why",
	"evidence": [{"note": "why"}],
}
