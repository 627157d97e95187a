package kguard.network.ambient_port_closed_test

import data.kguard.network.ambient_port_closed as policy

_facts(verdict, change) := {"flows": [object.union(
	{
		"source": "shop/web",
		"target": "shop/cart",
		"port": "15008/TCP",
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
		"path": "shop/web > shop/cart:15008/TCP",
		"message": "shop/web cannot reach shop/cart through the ambient mesh: policies close port 15008",
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
	findings := policy.deny with input as _facts("blocked", {"port": "15012/TCP"})
	findings == set()
}
