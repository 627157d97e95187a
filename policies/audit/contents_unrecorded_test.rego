package kguard.audit.contents_unrecorded_test

import data.kguard.audit.contents_unrecorded as policy

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

test_deny_metadata_where_the_body_counts if {
	families := [_family("access_control", "hole", "Request", "Metadata")]
	findings := policy.deny with input as {"policies": [_policy({"families": families})]}
	findings == {{
		"target": _ref,
		"path": "",
		"message": "recorded without what was changed: some requests",
		"evidence": [{"note": "rule"}],
	}}
}

test_allow_what_is_not_recorded_at_all if {
	families := [_family("access_control", "hole", "Request", "None")]
	findings := policy.deny with input as {"policies": [_policy({"families": families})]}
	count(findings) == 0
}

test_allow_objects_that_nobody_uses if {
	family := object.union(_family("istio_objects", "hole", "Request", "Metadata"), {"in_use": "false"})
	findings := policy.deny with input as {"policies": [_policy({"families": [family]})]}
	count(findings) == 0
}
