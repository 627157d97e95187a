package kguard.audit.log_kept_too_short_test

import data.kguard.audit.log_kept_too_short as policy

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

_params := {"audit/log-kept-too-short": {"min_age": 30, "min_backup": 10, "min_size": 100}}

_findings(server) := findings if {
	findings := policy.deny with input as {"servers": [server], "params": _params}
}

test_deny_ten_days if {
	_findings(_server({"retention": [_entry("audit-log-maxage", "set", 10)]})) == {{
		"target": _ref,
		"path": "audit-log-maxage",
		"message": sprintf("%s is %d; it should be at least %d", ["audit-log-maxage", 10, 30]),
		"evidence": [{"note": "audit-log-maxage"}],
	}}
}

test_allow_no_limit_and_enough if {
	retention := [
		_entry("audit-log-maxage", "default", 0),
		_entry("audit-log-maxbackup", "set", 10),
		_entry("audit-log-maxsize", "unknown", -1),
	]
	count(_findings(_server({"retention": retention}))) == 0
}

test_allow_where_no_log_is_written if {
	short := [_entry("audit-log-maxage", "set", 1)]
	count(_findings(_server({"retention": short, "backend": "webhook"}))) == 0
	count(_findings(_server({"retention": short, "recording": "off"}))) == 0
}
