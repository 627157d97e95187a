package kguard.network.host_network_test

import data.kguard.network.host_network as policy

_closed := {"reach": "nothing", "ports": []}

_ingress := {
	"isolation": "closed",
	"selected": "true",
	"internet": _closed,
	"cluster": _closed,
	"namespace": _closed,
	"because": [],
}

_egress := {
	"isolation": "closed",
	"selected": "true",
	"internet": _closed,
	"cluster": _closed,
	"metadata": _closed,
	"because": [],
}

_workload := {
	"ref": {"kind": "Deployment", "name": "redis"},
	"serves": ["6379/TCP"],
	"published": [],
	"host_network": false,
	"knative": "no",
	"user_ports": [],
	"ingress": _ingress,
	"egress": _egress,
	"doubt": "none",
	"doubt_about": [],
}

_facts(change) := {"scope": "app", "workloads": [object.union(_workload, change)]}

test_deny_host_network if {
	findings := policy.deny with input as _facts({"host_network": true})
	findings == {{
		"target": {"kind": "Deployment", "name": "redis"},
		"path": "",
		"message": "redis runs on the network of its node, where NetworkPolicies do not hold",
		"evidence": [],
	}}
}

test_allow_own_network if {
	findings := policy.deny with input as _facts({})
	findings == set()
}
