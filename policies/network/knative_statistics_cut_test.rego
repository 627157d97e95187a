package kguard.network.knative_statistics_cut_test

import data.kguard.network.knative_statistics_cut as policy

_facts(verdict, change) := {"flows": [object.union(
	{
		"source": "knative-serving/activator",
		"target": "knative-serving/autoscaler",
		"port": "8080/TCP",
		"basis": "knative",
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
		"path": "knative-serving/activator > knative-serving/autoscaler:8080/TCP",
		"message": "knative-serving/activator cannot report to knative-serving/autoscaler at 8080/TCP: nothing scales up from zero",
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
	findings := policy.deny with input as _facts("blocked", {"source": "shop/gateway"})
	findings == set()
}
