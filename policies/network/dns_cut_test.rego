package kguard.network.dns_cut_test

import data.kguard.network.dns_cut as policy

_facts(verdict, change) := {"flows": [object.union(
	{
		"source": "shop/web",
		"target": "cluster DNS",
		"port": "53/UDP",
		"basis": "dns",
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
		"path": "shop/web > cluster DNS:53/UDP",
		"message": "shop/web cannot resolve names: policies block 53/UDP of cluster DNS",
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
