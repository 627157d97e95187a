package kguard.network.open_to_cluster_test

import data.kguard.network.open_to_cluster as policy

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

_cluster(reach, ports) := {"ingress": {"cluster": {"reach": reach, "ports": ports}}}

test_deny_everything if {
	findings := policy.deny with input as _facts(_cluster("everything", ["*"]))
	findings == {{
		"target": {"kind": "Deployment", "name": "redis"},
		"path": "",
		"message": "any pod in the cluster can open redis:6379",
		"evidence": [],
	}}
}

test_deny_some_ports if {
	change := object.union(_cluster("ports", ["53/UDP"]), {"serves": ["53/UDP", "6379/TCP"]})
	findings := policy.deny with input as _facts(change)
	{finding.message | some finding in findings} == {"any pod in the cluster can open redis:53/UDP"}
}

test_deny_several_ports if {
	change := object.union(_cluster("everything", ["*"]), {"serves": ["53/UDP", "6379/TCP"]})
	findings := policy.deny with input as _facts(change)
	{finding.message | some finding in findings} == {"any pod in the cluster can open redis at ports 53/UDP, 6379"}
}

test_allow_published if {
	change := object.union(_cluster("everything", ["*"]), {"published": ["6379/TCP"]})
	findings := policy.deny with input as _facts(change)
	findings == set()
}

test_allow_closed if {
	findings := policy.deny with input as _facts({})
	findings == set()
}

test_unknown_not_read if {
	change := {"ingress": {"isolation": "unknown"}, "doubt": "not_read", "doubt_about": ["403"]}
	findings := policy.unknown with input as _facts(change)
	findings == {{
		"target": {"kind": "Deployment", "name": "redis"},
		"path": "",
		"message": "who can open redis is not known: 403",
		"evidence": [],
	}}
}
