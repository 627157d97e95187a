package kguard.audit.policy_invalid_test

import data.kguard.audit.policy_invalid as policy

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

_problem := {"path": "no level", "text": "the rule has no level", "because": [{"note": "here"}]}

test_deny_what_the_server_refuses if {
	findings := policy.deny with input as {"policies": [_policy({"state": "invalid", "problems": [_problem]})]}
	findings == {{
		"target": _ref,
		"path": "no level",
		"message": "the API server does not start with this policy: the rule has no level",
		"evidence": [{"note": "here"}],
	}}
}

test_allow_a_valid_policy if {
	findings := policy.deny with input as {"policies": [_policy({})]}
	count(findings) == 0
}

test_unknown_version if {
	findings := policy.unknown with input as {"policies": [_policy({"state": "unknown", "problems": [_problem]})]}
	findings == {{
		"target": _ref,
		"path": "no level",
		"message": "it depends on the Kubernetes version whether this is accepted: the rule has no level",
		"evidence": [{"note": "here"}],
	}}
}
