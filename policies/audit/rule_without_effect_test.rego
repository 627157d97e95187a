package kguard.audit.rule_without_effect_test

import data.kguard.audit.rule_without_effect as policy

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

_lint(kind) := {"kind": kind, "path": "None for users *", "text": "why", "because": [{"note": "rule"}]}

test_deny_shadowed_and_dead_rules if {
	lints := [_lint("shadowed"), _lint("never-matches")]
	findings := policy.deny with input as {"policies": [_policy({"lints": lints})]}
	findings == {{
		"target": _ref,
		"path": "None for users *",
		"message": "the rule \"None for users *\" has no effect: why",
		"evidence": [{"note": "rule"}],
	}}
}

test_allow_other_lints if {
	findings := policy.deny with input as {"policies": [_policy({"lints": [_lint("ignored-field")]})]}
	count(findings) == 0
}
