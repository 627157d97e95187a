package kguard.audit.log_limits_unset_test

import data.kguard.audit.log_limits_unset as policy

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

_entry(flag, state, value) := {"flag": flag, "state": state, "value": value, "because": [{"note": flag}]}

test_deny_defaults if {
	retention := [_entry("audit-log-maxage", "default", 366), _entry("audit-log-maxsize", "set", 100)]
	findings := policy.deny with input as {"servers": [_server({"retention": retention})]}
	findings == {{
		"target": _ref,
		"path": "",
		"message": "left to the defaults of the server: audit-log-maxage",
		"evidence": [{"note": "audit-log-maxage"}],
	}}
}

test_allow_limits_that_are_given if {
	retention := [_entry("audit-log-maxage", "set", 1)]
	findings := policy.deny with input as {"servers": [_server({"retention": retention})]}
	count(findings) == 0
}
