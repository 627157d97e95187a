package kguard.network.mesh_cut_test

import data.kguard.network.mesh_cut as policy

_facts(verdict, change) := {"flows": [object.union(
	{
		"source": "shop/web",
		"target": "istiod",
		"port": "15012/TCP",
		"basis": "mesh",
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
		"path": "shop/web > istiod:15012/TCP",
		"message": "the proxy of shop/web cannot reach istiod at 15012/TCP: policies block it",
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
	findings := policy.deny with input as _facts("blocked", {"port": "15008/TCP"})
	findings == set()
}
