package kguard.audit.events_lost_test

import data.kguard.audit.events_lost as policy

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

_loss(cause) := {"cause": cause, "text": "why", "because": [{"note": "mode"}]}

test_deny_a_log_in_the_container if {
	findings := policy.deny with input as {"servers": [_server({"losses": [_loss("log-not-kept")]})]}
	findings == {{
		"target": _ref,
		"path": "log-not-kept",
		"message": "events of the API server of kubeadm.yaml can get lost: why",
		"severity": "medium",
		"evidence": [{"note": "mode"}],
	}}
}

test_deny_batches if {
	findings := policy.deny with input as {"servers": [_server({"losses": [_loss("webhook-batch"), _loss("log-batch")]})]}
	{finding.severity | some finding in findings} == {"low"}
	count(findings) == 2
}

test_allow_without_losses_or_without_recording if {
	findings := policy.deny with input as {"servers": [_server({}), _server({"recording": "off", "losses": [_loss("log-batch")]})]}
	count(findings) == 0
}

test_deny_a_log_without_reads if {
	findings := policy.deny with input as {"servers": [_server({"losses": [_loss("reads-left-out"), _loss("best-effort")]})]}
	{finding.severity | some finding in findings} == {"high", "info"}
}

test_deny_events_that_were_not_written if {
	findings := policy.deny with input as {"servers": [_server({"losses": [_loss("not-written")]})]}
	{finding.severity | some finding in findings} == {"high"}
}

test_deny_requests_that_were_refused if {
	findings := policy.deny with input as {"servers": [_server({"losses": [_loss("requests-refused")]})]}
	{finding.severity | some finding in findings} == {"medium"}
}
