package kguard.network.probe_cut_test

import data.kguard.network.probe_cut as policy

_facts(verdict, change) := {"flows": [object.union(
	{
		"source": "the kubelet (through the ambient mesh)",
		"target": "shop/web",
		"port": "8080/TCP",
		"basis": "probe",
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
		"path": "the kubelet (through the ambient mesh) > shop/web:8080/TCP",
		"message": "policies keep the probes of shop/web out of 8080/TCP",
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
