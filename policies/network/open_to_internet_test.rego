package kguard.network.open_to_internet_test

import data.kguard.network.open_to_internet as policy

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

_internet(reach, ports) := {"ingress": {
	"isolation": "partial",
	"internet": {"reach": reach, "ports": ports},
}}

test_deny_unpublished if {
	findings := policy.deny with input as _facts(_internet("ports", ["6379/TCP"]))
	findings == {{
		"target": {"kind": "Deployment", "name": "redis"},
		"path": "",
		"message": "addresses outside the cluster are admitted to redis at 6379/TCP, which nothing publishes",
		"evidence": [],
	}}
}

test_deny_every_port if {
	findings := policy.deny with input as _facts(_internet("everything", ["*"]))
	count(findings) == 1
}

test_allow_published if {
	change := object.union(_internet("ports", ["6379/TCP"]), {"published": ["6379/TCP"]})
	findings := policy.deny with input as _facts(change)
	findings == set()
}
