package kguard.manifests.duplicate_key_test

import data.kguard.manifests.duplicate_key as policy

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
	findings := policy.deny with input as {"ambiguities": [_place("repeated_key", "security")]}
	findings == {_finding("medium")}
}

test_deny_elsewhere_weighs_less if {
	findings := policy.deny with input as {"ambiguities": [_place("repeated_key", "other")]}
	findings == {_finding("low")}
}

test_allow_other_traps if {
	others := {"repeated_key", "merge", "lost_text", "guessed_value", "odd_text"} - {"repeated_key"}
	every other in others {
		findings := policy.deny with input as {"ambiguities": [_place(other, "security")]}
		count(findings) == 0
	}
}
