package kguard.images.enforcer_fails_open_test

import data.kguard.images.enforcer_fails_open as policy

test_deny_failing_open if {
	policy.deny == {{
		"target": _hook,
		"path": "",
		"message": "hook lets every image in while the enforcer does not answer",
		"evidence": [],
	}} with input as {"policies": [_policy("true"), _policy("false")]}
}

test_allow_failing_closed if {
	count(policy.deny) == 0 with input as {"policies": [_policy("false")]}
}

_hook := {
	"apiVersion": "admissionregistration.k8s.io/v1",
	"kind": "ValidatingWebhookConfiguration",
	"name": "hook",
}

_policy(open) := {"opened_by": _hook, "fails_open": open, "open_because": []}
