package kguard.network.apiserver_cut_test

import data.kguard.network.apiserver_cut as policy

_facts(verdict, change) := {"flows": [object.union(
	{
		"source": "shop/web",
		"target": "the API server",
		"port": "6443/TCP",
		"basis": "apiserver",
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
		"path": "shop/web > the API server:6443/TCP",
		"message": "shop/web cannot reach the API server at 6443/TCP: policies block it",
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

test_allow_one_of_two_ports if {
	blocked := _facts("blocked", {}).flows[0]
	open := _facts("allowed", {"port": "443/TCP"}).flows[0]
	findings := policy.deny with input as {"flows": [blocked, open]}
	findings == set()
}
