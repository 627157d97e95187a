package kguard.audit.impersonation_unrecorded_test

import data.kguard.audit.impersonation_unrecorded as policy

_ref := {"apiVersion": "audit.k8s.io/v1", "kind": "Policy", "name": "policy.yaml"}

_unseen := {"subject": "jane", "rule": "None for users jane", "because": [{"note": "rule"}]}

test_deny_a_hidden_impersonator if {
	findings := policy.deny with input as {"policies": [{"ref": _ref, "unseen": [_unseen]}]}
	findings == {{
		"target": _ref,
		"path": "jane: None for users jane",
		"message": "jane may act as anybody, and what jane sends is left out: None for users jane",
		"evidence": [{"note": "rule"}],
	}}
}

test_allow_recorded_impersonators if {
	findings := policy.deny with input as {"policies": [{"ref": _ref, "unseen": []}]}
	count(findings) == 0
}
