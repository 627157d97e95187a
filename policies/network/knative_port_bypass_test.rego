package kguard.network.knative_port_bypass_test

import data.kguard.network.knative_port_bypass as policy

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

_knative(ports) := {
	"ref": {"kind": "Service", "namespace": "shop", "name": "web"},
	"knative": "serving",
	"user_ports": ["8080/TCP"],
	"ingress": {"isolation": "partial", "namespace": {"reach": "ports", "ports": ports}},
}

test_deny_user_port if {
	findings := policy.deny with input as _facts(_knative(["8012/TCP", "8080/TCP"]))
	findings == {{
		"target": {"kind": "Service", "namespace": "shop", "name": "web"},
		"path": "8080/TCP",
		"message": "any pod of namespace shop can open web:8080 past the queue-proxy",
		"evidence": [],
	}}
}

test_allow_queue_proxy_only if {
	findings := policy.deny with input as _facts(_knative(["8012/TCP"]))
	findings == set()
}
