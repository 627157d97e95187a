package kguard.audit.key_concerns_test

import data.kguard.audit.key_concerns as policy

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

test_deny_a_concern_with_a_hole if {
	concerns := [_family("secrets", "hole", "Metadata", "None"), _family("pods", "recorded", "Metadata", "Metadata")]
	findings := policy.deny with input as {"policies": [_policy({"concerns": concerns})]}
	findings == {{
		"target": _ref,
		"path": "",
		"message": "key concerns that are not recorded for everybody: some requests",
		"evidence": [{"note": "rule"}],
	}}
}

test_allow_concerns_that_are_recorded if {
	concerns := [_family("secrets", "recorded", "Metadata", "Metadata")]
	findings := policy.deny with input as {"policies": [_policy({"concerns": concerns})]}
	count(findings) == 0
}
