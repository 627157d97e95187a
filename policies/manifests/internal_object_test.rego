package kguard.manifests.internal_object_test

import data.kguard.manifests.internal_object as policy

_problem(sort, weight) := {
	"ref": {"kind": "NetworkPolicy", "name": "redis"},
	"subject": "NetworkPolicy redis",
	"sort": sort,
	"effect": "ignored",
	"weight": weight,
	"path": "spec.ingress",
	"detail": "the reason",
	"because": [],
}

_finding(severity) := {
	"target": {"kind": "NetworkPolicy", "name": "redis"},
	"path": "spec.ingress",
	"message": "NetworkPolicy redis has no effect: the reason",
	"evidence": [],
	"severity": severity,
}

test_deny_a_protection if {
	findings := policy.deny with input as {"problems": [_problem("internal", "security")]}
	findings == {_finding("low")}
}

test_deny_another_object if {
	findings := policy.deny with input as {"problems": [_problem("internal", "other")]}
	findings == {_finding("low")}
}

test_allow_other_problems if {
	others := {"unknown_field", "invalid", "internal", "unknown_kind", "wrong_scope"} - {"internal"}
	every other in others {
		findings := policy.deny with input as {"problems": [_problem(other, "security")]}
		count(findings) == 0
	}
}
