package kguard.audit.resource_not_served_test

import data.kguard.audit.resource_not_served as policy

_ref := {"apiVersion": "audit.k8s.io/v1", "kind": "Policy", "name": "policy.yaml"}

_lint(kind) := {"kind": kind, "path": "deployments in the core group", "text": "why", "because": [{"note": "rule"}]}

test_deny_a_resource_of_another_group if {
	findings := policy.deny with input as {"policies": [{"ref": _ref, "lints": [_lint("not-served")]}]}
	findings == {{
		"target": _ref,
		"path": "deployments in the core group",
		"message": "why",
		"evidence": [{"note": "rule"}],
	}}
}

test_allow_other_lints if {
	findings := policy.deny with input as {"policies": [{"ref": _ref, "lints": [_lint("shadowed")]}]}
	count(findings) == 0
}
