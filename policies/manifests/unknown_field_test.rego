package kguard.manifests.unknown_field_test

import data.kguard.manifests.unknown_field as policy

_problem(sort, weight) := {
	"ref": {"kind": "NetworkPolicy", "name": "redis"},
	"subject": "NetworkPolicy redis",
	"sort": sort,
	"effect": "refused",
	"weight": weight,
	"path": "spec.ingress",
	"detail": "the reason",
	"because": [],
}

_finding(severity) := {
	"target": {"kind": "NetworkPolicy", "name": "redis"},
	"path": "spec.ingress",
	"message": "NetworkPolicy redis is refused by kubectl and loses the field with other clients: the reason",
	"evidence": [],
	"severity": severity,
}

test_deny_a_protection if {
	findings := policy.deny with input as {"problems": [_problem("unknown_field", "security")]}
	findings == {_finding("high")}
}

test_deny_another_object if {
	findings := policy.deny with input as {"problems": [_problem("unknown_field", "other")]}
	findings == {_finding("low")}
}

test_allow_other_problems if {
	others := {"unknown_field", "invalid", "internal", "unknown_kind", "wrong_scope"} - {"unknown_field"}
	every other in others {
		findings := policy.deny with input as {"problems": [_problem(other, "security")]}
		count(findings) == 0
	}
}
