package kguard.network.metadata_reachable_test

import data.kguard.network.metadata_reachable as policy

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

_metadata(ports) := {"egress": {"isolation": "partial", "metadata": {"reach": "ports", "ports": ports}}}

test_deny_port_80 if {
	findings := policy.deny with input as _facts(_metadata(["80/TCP"]))
	findings == {{
		"target": {"kind": "Deployment", "name": "redis"},
		"path": "",
		"message": "redis can ask 169.254.169.254 for the credentials of its node",
		"evidence": [],
	}}
}

test_allow_other_ports if {
	findings := policy.deny with input as _facts(_metadata([]))
	findings == set()
}
