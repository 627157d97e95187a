package kguard.audit.files_out_of_reach_test

import data.kguard.audit.files_out_of_reach as policy

_ref := {"apiVersion": "kubeadm.k8s.io/v1beta4", "kind": "ClusterConfiguration", "name": "kubeadm.yaml"}

_server(changes) := object.union(
	{
		"ref": _ref,
		"how": "kubeadm",
		"version": "1.36",
		"recording": "on",
		"backend": "log",
		"policy": "valid",
		"policy_file": "/etc/kubernetes/audit/policy.yaml",
		"policy_reach": "mounted",
		"log_reach": "kept",
		"retention": [],
		"losses": [],
		"because": [{"note": "flags"}],
		"because_reach": [{"note": "mounts"}],
	},
	changes,
)

test_deny_a_policy_outside_of_every_mount if {
	findings := policy.deny with input as {"servers": [_server({"policy_reach": "missing"})]}
	findings == {{
		"target": _ref,
		"path": "audit-policy-file",
		"message": sprintf("the API server of kubeadm.yaml does not start: its container does not see %s", ["/etc/kubernetes/audit/policy.yaml"]),
		"evidence": [{"note": "mounts"}],
	}}
}

test_deny_a_log_in_a_read_only_mount if {
	findings := policy.deny with input as {"servers": [_server({"log_reach": "read-only"})]}
	{finding.path | some finding in findings} == {"audit-log-path"}
}

test_allow_mounted_files if {
	findings := policy.deny with input as {"servers": [_server({}), _server({"policy_reach": "unknown", "log_reach": "lost"})]}
	count(findings) == 0
}
