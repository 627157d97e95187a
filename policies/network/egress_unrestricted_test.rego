package kguard.network.egress_unrestricted_test

import data.kguard.network.egress_unrestricted as policy

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

test_deny_every_address if {
	findings := policy.deny with input as _facts({"egress": {"internet": {"reach": "everything", "ports": ["*"]}}})
	findings == {{
		"target": {"kind": "Deployment", "name": "redis"},
		"path": "",
		"message": "redis can open every port of every address on the internet",
		"evidence": [],
	}}
}

test_allow_some_ports if {
	findings := policy.deny with input as _facts({"egress": {"internet": {"reach": "ports", "ports": []}}})
	findings == set()
}

test_unknown_other_policies if {
	change := {"egress": {"isolation": "unknown"}, "doubt": "other_policies", "doubt_about": ["EgressFirewall shop/a"]}
	findings := policy.unknown with input as _facts(change)
	count(findings) == 1
}
