package kguard.audit.sessions_unrecorded_test

import data.kguard.audit.sessions_unrecorded as policy

_ref := {"apiVersion": "audit.k8s.io/v1", "kind": "Policy", "name": "policy.yaml"}

_policy(changes) := object.union(
	{
		"ref": _ref,
		"state": "valid",
		"problems": [],
		"families": [],
		"concerns": [],
		"excesses": [],
		"lints": [],
		"because": [{"note": "the policy"}],
	},
	changes,
)

_family(id, state, floor, level) := {
	"id": id,
	"title": "some requests",
	"floor": floor,
	"level": level,
	"state": state,
	"in_use": "true",
	"holes": [hole |
		state == "hole"
		hole := {
			"level": level,
			"witness": {"text": "create pods by jane"},
			"because": [{"note": "rule"}],
		}
	],
}

test_deny_a_hole if {
	families := [_family("connections", "hole", "Metadata", "None")]
	findings := policy.deny with input as {"policies": [_policy({"families": families})]}
	findings == {{
		"target": _ref,
		"path": "connections",
		"message": "some requests can go unrecorded, for example: create pods by jane",
		"evidence": [{"note": "rule"}],
	}}
}

test_allow_what_is_recorded_and_other_families if {
	families := [
		_family("connections", "recorded", "Metadata", "Metadata"),
		_family("writes", "hole", "Metadata", "None"),
	]
	findings := policy.deny with input as {"policies": [_policy({"families": families})]}
	count(findings) == 0
}

test_unknown_where_the_policy_is_too_large if {
	families := [_family("connections", "unknown", "Metadata", "unknown")]
	findings := policy.unknown with input as {"policies": [_policy({"families": families})]}
	findings == {{
		"target": _ref,
		"path": "connections",
		"message": "the policy is too large to say whether all some requests are recorded",
		"evidence": [{"note": "the policy"}],
	}}
}
