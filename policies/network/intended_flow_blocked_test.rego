package kguard.network.intended_flow_blocked_test

import data.kguard.network.intended_flow_blocked as policy

_facts(verdict, basis) := {"flows": [{
	"source": "shop/orders",
	"target": "shop-data/postgres",
	"port": "5432/TCP",
	"basis": basis,
	"verdict": verdict,
	"cut_by": "target",
	"depends": "",
	"ref": {"kind": "Deployment", "namespace": "shop", "name": "orders"},
	"because": [
		{"ref": "b", "pointer": "/spec", "note": "restricts"},
		{"ref": "a", "pointer": "/x", "note": "names it", "role": "related"},
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

test_deny_published if {
	findings := policy.deny with input as _facts("blocked", "published")
	{finding.severity | some finding in findings} == {"medium"}
}

test_allow_what_other_policies_speak_of if {
	every basis in {"dns", "probe", "webhook", "metrics", "mesh", "apiserver"} {
		findings := policy.deny with input as _facts("blocked", basis)
		findings == set()
	}
}

_knative(source, target, port) := {"flows": [object.union(_facts("blocked", "knative").flows[0], {
	"source": source,
	"target": target,
	"port": port,
})]}

test_allow_named_parts_of_knative if {
	findings := policy.deny with input as _knative("knative-serving/activator", "knative-serving/autoscaler", "8080/TCP")
	findings == set()
	others := policy.deny with input as _knative("shop/web", "istio-system/istio-ingressgateway", "8081/TCP")
	others == set()
}

test_allow_allowed if {
	findings := policy.deny with input as _facts("allowed", "environment")
	findings == set()
}

_undecided(depends) := {"flows": [object.union(_facts("unknown", "dns").flows[0], {"depends": depends})]}

test_unknown_names_the_plugins if {
	facts := _undecided("allowed under calico")
	denied := policy.deny with input as facts
	denied == set()
	findings := policy.unknown with input as facts
	{finding.message | some finding in findings} == {"whether shop/orders can open 5432/TCP of shop-data/postgres depends on the network plugin: allowed under calico"}
	{finding.severity | some finding in findings} == {"medium"}
}

test_no_unknown_where_no_plugin_decides if {
	findings := policy.unknown with input as _undecided("")
	findings == set()
}

test_no_unknown_where_it_is_decided if {
	findings := policy.unknown with input as _facts("allowed", "environment")
	findings == set()
	others := policy.unknown with input as _facts("blocked", "environment")
	others == set()
}
