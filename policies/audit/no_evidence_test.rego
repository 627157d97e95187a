package kguard.audit.no_evidence_test

import data.kguard.audit.no_evidence as policy

test_deny_a_cluster_without_any_sign if {
	findings := policy.deny with input as {"scope": "cluster", "presence": "absent"}
	findings == {{
		"target": {"kind": "APIServer", "name": "kube-apiserver"},
		"path": "",
		"message": "no audit policy and no configuration of an API server in the input",
		"evidence": [{"note": "looked for audit policies and for API servers of kubeadm, kind, k3s, RKE2 and in pods"}],
	}}
}

test_allow_applications if {
	findings := policy.deny with input as {"scope": "app", "presence": "absent"}
	count(findings) == 0
}

test_allow_where_something_was_found if {
	findings := policy.deny with input as {"scope": "cluster", "presence": "present"}
	count(findings) == 0
}

test_unknown_where_counters_may_not_be_read if {
	step := {"note": "context prod: the verb `get` on the path `/metrics` is not granted"}
	findings := policy.unknown with input as {"scope": "cluster", "presence": "unknown", "unread": [step]}
	findings == {{
		"target": {"kind": "APIServer", "name": "kube-apiserver"},
		"path": "",
		"message": "what could be read does not show whether the API server records anything",
		"evidence": [step],
	}}
}
