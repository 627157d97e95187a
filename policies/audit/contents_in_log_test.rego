package kguard.audit.contents_in_log_test

import data.kguard.audit.contents_in_log as policy

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

_excess(limit) := {
	"limit": limit,
	"title": "content",
	"rule": "Request for everything",
	"level": "Request",
	"witness": {"text": "create secrets by jane"},
	"because": [{"note": "rule"}],
}

test_deny_secrets if {
	findings := policy.deny with input as {"policies": [_policy({"excesses": [_excess("secret_bodies")]})]}
	findings == {{
		"target": _ref,
		"path": "secret_bodies: Request for everything",
		"message": "content gets into the log: create secrets by jane (Request)",
		"severity": "high",
		"evidence": [{"note": "rule"}],
	}}
}

test_deny_configmaps_less_severely if {
	findings := policy.deny with input as {"policies": [_policy({"excesses": [_excess("configmap_bodies")]})]}
	{finding.severity | some finding in findings} == {"medium"}
}

test_allow_no_excess if {
	findings := policy.deny with input as {"policies": [_policy({})]}
	count(findings) == 0
}
