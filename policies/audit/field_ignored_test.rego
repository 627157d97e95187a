package kguard.audit.field_ignored_test

import data.kguard.audit.field_ignored as policy

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

_lint(kind) := {"kind": kind, "path": "a rule: verb", "text": "why", "because": [{"note": "field"}]}

test_deny_an_ignored_field if {
	findings := policy.deny with input as {"policies": [_policy({"lints": [_lint("ignored-field")]})]}
	findings == {{
		"target": _ref,
		"path": "a rule: verb",
		"message": "why",
		"evidence": [{"note": "field"}],
	}}
}

test_allow_other_lints if {
	findings := policy.deny with input as {"policies": [_policy({"lints": [_lint("shadowed")]})]}
	count(findings) == 0
}
