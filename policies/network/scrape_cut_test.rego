package kguard.network.scrape_cut_test

import data.kguard.network.scrape_cut as policy

_facts(verdict, change) := {"flows": [object.union(
	{
		"source": "Prometheus",
		"target": "shop/web",
		"port": "9090/TCP",
		"basis": "metrics",
		"verdict": verdict,
		"cut_by": "source",
		"ref": {"kind": "Deployment", "namespace": "shop", "name": "web"},
		"because": [
			{"ref": "b", "pointer": "/spec", "note": "restricts"},
			{"ref": "a", "pointer": "/x", "note": "needs it", "role": "related"},
		],
	},
	change,
)]}

test_deny_blocked if {
	findings := policy.deny with input as _facts("blocked", {})
	findings == {{
		"target": {"kind": "Deployment", "namespace": "shop", "name": "web"},
		"path": "Prometheus > shop/web:9090/TCP",
		"message": "Prometheus cannot collect the metrics of shop/web at 9090/TCP: policies block it",
		"evidence": [
			{"ref": "b", "pointer": "/spec", "note": "restricts"},
			{"ref": "a", "pointer": "/x", "note": "needs it", "role": "related"},
		],
	}}
}

test_allow_allowed if {
	findings := policy.deny with input as _facts("allowed", {})
	findings == set()
}

test_allow_not_known if {
	findings := policy.deny with input as _facts("unknown", {})
	findings == set()
}

test_allow_another_connection if {
	findings := policy.deny with input as _facts("blocked", {"basis": "environment"})
	findings == set()
}
