package kguard.audit.replicas_differ_test

import data.kguard.audit.replicas_differ as policy

_ref := {"apiVersion": "v1", "kind": "Pod", "namespace": "kube-system", "name": "kube-apiserver-two"}

_divergence := {
	"ref": _ref,
	"flag": "audit-log-path",
	"text": "audit-log-path is not given, but /var/log/audit.log for kube-apiserver-one",
	"because": [{"note": "flags"}],
}

test_deny_a_replica_that_differs if {
	findings := policy.deny with input as {"divergences": [_divergence]}
	findings == {{
		"target": _ref,
		"path": "audit-log-path",
		"message": "not audited as the other API servers are: audit-log-path is not given, but /var/log/audit.log for kube-apiserver-one",
		"evidence": [{"note": "flags"}],
	}}
}

test_allow_equal_replicas if {
	findings := policy.deny with input as {"divergences": []}
	count(findings) == 0
}
