package kguard.audit.recording_off_test

import data.kguard.audit.recording_off as policy

_ref := {"apiVersion": "kubeadm.k8s.io/v1beta4", "kind": "ClusterConfiguration", "name": "kubeadm.yaml"}

_server(changes) := object.union(
	{
		"ref": _ref,
		"how": "kubeadm",
		"version": "1.36",
		"recording": "on",
		"verdict": "unknown",
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

test_deny_without_policy if {
	findings := policy.deny with input as {"servers": [_server({"recording": "off", "policy": "absent", "backend": "none"})]}
	findings == {{
		"target": _ref,
		"path": "",
		"message": "the API server of kubeadm.yaml records nothing: it has no audit policy",
		"severity": "critical",
		"evidence": [{"note": "flags"}],
	}}
}

test_deny_without_backend if {
	findings := policy.deny with input as {"servers": [_server({"recording": "off", "backend": "none", "how": "kind"})]}
	findings == {{
		"target": _ref,
		"path": "",
		"message": "the API server of kubeadm.yaml records nothing: it has no log path and no webhook",
		"severity": "medium",
		"evidence": [{"note": "flags"}],
	}}
}

test_allow_a_server_that_records if {
	findings := policy.deny with input as {"servers": [_server({})]}
	count(findings) == 0
}

test_allow_leaves_an_invalid_policy_to_others if {
	findings := policy.deny with input as {"servers": [_server({"recording": "off", "policy": "invalid"})]}
	count(findings) == 0
}

test_unknown_policy if {
	findings := policy.unknown with input as {"servers": [_server({"recording": "unknown", "policy": "unknown"})]}
	findings == {{
		"target": _ref,
		"path": "",
		"message": "whether the API server of kubeadm.yaml records anything is not known",
		"evidence": [{"note": "flags"}],
	}}
}

test_deny_a_managed_server_without_its_log if {
	server := _server({"recording": "off", "backend": "managed", "policy": "managed", "how": "eks"})
	findings := policy.deny with input as {"servers": [server]}
	{finding.message | some finding in findings} == {"the API server of kubeadm.yaml records nothing: flags"}
}

test_unknown_is_told_apart if {
	servers := [
		_server({"recording": "unknown", "verdict": "policy-unknown"}),
		_server({"recording": "unknown", "verdict": "managed-unknown"}),
	]
	findings := policy.unknown with input as {"servers": servers}
	{finding.message | some finding in findings} == {
		"whether the API server of kubeadm.yaml records anything is not known: it has all flags, but its policy is not in the input",
		"whether the API server of kubeadm.yaml records anything is not known: flags",
	}
}

test_deny_by_counters_whatever_the_flags_say if {
	server := _server({"recording": "off", "counted": "silent", "because": [{"note": "no event was written"}]})
	findings := policy.deny with input as {"servers": [server]}
	findings == {{
		"target": _ref,
		"path": "",
		"message": "the API server of kubeadm.yaml records nothing: no event was written",
		"severity": "critical",
		"evidence": [{"note": "no event was written"}],
	}}
}

test_unknown_what_a_server_records_whose_policy_nobody_sees if {
	server := _server({"policy": "unknown", "counted": "recording", "because": [{"note": "9 events"}]})
	findings := policy.unknown with input as {"servers": [server]}
	findings == {{
		"target": _ref,
		"path": "",
		"message": "what the API server of kubeadm.yaml records is not known: its policy is not in the input; 9 events",
		"evidence": [{"note": "9 events"}],
	}}
}
