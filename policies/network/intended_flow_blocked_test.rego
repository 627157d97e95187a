package kguard.network.intended_flow_blocked_test

import data.kguard.network.intended_flow_blocked as policy

_facts(verdict, basis) := {"flows": [{
	"source": "shop/orders",
	"target": "shop-data/postgres",
	"port": "5432/TCP",
	"basis": basis,
	"verdict": verdict,
	"cut_by": "target",
	"ref": {"kind": "Deployment", "namespace": "shop", "name": "orders"},
	"because": [
		{"ref": "a", "pointer": "/x", "note": "names it", "role": "related"},
		{"ref": "b", "pointer": "/spec", "note": "restricts"},
	],
}]}

test_deny_blocked if {
	findings := policy.deny with input as _facts("blocked", "environment")
	findings == {{
		"target": {"kind": "Deployment", "namespace": "shop", "name": "orders"},
		"path": "shop/orders > shop-data/postgres:5432/TCP",
		"message": "policies block shop/orders from opening 5432/TCP of shop-data/postgres",
		"evidence": [
			{"ref": "b", "pointer": "/spec", "note": "restricts"},
			{"ref": "a", "pointer": "/x", "note": "names it", "role": "related"},
		],
		"severity": "high",
	}}
}

test_deny_metrics if {
	findings := policy.deny with input as _facts("blocked", "metrics")
	{finding.severity | some finding in findings} == {"medium"}
}

test_allow_allowed if {
	findings := policy.deny with input as _facts("allowed", "environment")
	findings == set()
}

test_allow_unknown_verdict if {
	findings := policy.deny with input as _facts("unknown", "environment")
	findings == set()
}
