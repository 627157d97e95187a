package kguard.audit.auditing_can_be_defeated_test

import data.kguard.audit.auditing_can_be_defeated as policy

_ref := {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding", "name": "deployers"}

_defeat(subject) := {
	"ref": _ref,
	"subject": subject,
	"route": "node-proxy",
	"text": "may reach every kubelet",
	"because": [{"note": "binding"}],
}

test_deny_a_route if {
	findings := policy.deny with input as {"presence": "present", "defeats": [_defeat("jane")]}
	findings == {{
		"target": _ref,
		"path": "jane: node-proxy",
		"message": "may reach every kubelet",
		"severity": "medium",
		"evidence": [{"note": "binding"}],
	}}
}

test_deny_everybody_more_severely if {
	findings := policy.deny with input as {"presence": "present", "defeats": [_defeat("system:authenticated")]}
	{finding.severity | some finding in findings} == {"high"}
}

test_allow_where_nothing_is_known_about_auditing if {
	findings := policy.deny with input as {"presence": "absent", "defeats": [_defeat("jane")]}
	count(findings) == 0
}
