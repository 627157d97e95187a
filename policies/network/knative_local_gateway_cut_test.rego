package kguard.network.knative_local_gateway_cut_test

import data.kguard.network.knative_local_gateway_cut as policy

_facts(verdict, change) := {"flows": [object.union(
	{
		"source": "shop/web",
		"target": "istio-system/istio-ingressgateway",
		"port": "8081/TCP",
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
		"path": "shop/web > istio-system/istio-ingressgateway:8081/TCP",
		"message": "shop/web cannot call Knative Services inside the cluster: policies close 8081/TCP of istio-system/istio-ingressgateway",
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
	findings := policy.deny with input as _facts("blocked", {"port": "8080/TCP"})
	findings == set()
}

test_deny_the_prober if {
	findings := policy.deny with input as _facts("blocked", {"source": "Knative's Istio controller"})
	{finding.message | some finding in findings} == {"Knative's Istio controller cannot probe 8081/TCP of istio-system/istio-ingressgateway: no Knative Service becomes ready"}
}
