package kguard.images.enforcer_audit_only_test

import data.kguard.images.enforcer_audit_only as policy

test_deny_audits if {
	policy.deny == {_finding("audit")} with input as {"policies": [_policy("audit")]}
}

test_allow_enforcing if {
	count(policy.deny) == 0 with input as {"policies": [_policy("enforce"), _policy("warn")]}
}

_ref := {"apiVersion": "kyverno.io/v1", "kind": "ClusterPolicy", "name": "signed"}

_policy(action) := {"ref": _ref, "rule": action, "action": action, "action_because": []}

_finding(action) := {
	"target": _ref,
	"path": action,
	"message": sprintf("signed lets every image in: its action is %s", [action]),
	"evidence": [],
}
