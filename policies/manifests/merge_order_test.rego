package kguard.manifests.merge_order_test

import data.kguard.manifests.merge_order as policy

_place(trap_class, weight) := {
	"ref": {"kind": "PeerAuthentication", "name": "strict"},
	"subject": "PeerAuthentication strict",
	"trap": "some-trap",
	"trap_class": trap_class,
	"weight": weight,
	"path": "spec.mtls.mode",
	"detail": "kubectl reads x",
	"because": [],
}

_finding(severity) := {
	"target": {"kind": "PeerAuthentication", "name": "strict"},
	"path": "spec.mtls.mode some-trap",
	"message": "readers disagree about PeerAuthentication strict: kubectl reads x",
	"evidence": [],
	"severity": severity,
}

test_deny_in_a_protection if {
	findings := policy.deny with input as {"ambiguities": [_place("merge", "security")]}
	findings == {_finding("high")}
}

test_deny_elsewhere_weighs_less if {
	findings := policy.deny with input as {"ambiguities": [_place("merge", "other")]}
	findings == {_finding("low")}
}

test_allow_other_traps if {
	others := {"repeated_key", "merge", "lost_text", "guessed_value", "odd_text"} - {"merge"}
	every other in others {
		findings := policy.deny with input as {"ambiguities": [_place(other, "security")]}
		count(findings) == 0
	}
}
