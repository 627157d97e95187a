package kguard.network.not_selected_test

import data.kguard.network.not_selected as policy

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

_sides(selected) := {"ingress": {"selected": selected}, "egress": {"selected": selected}}

test_deny_unselected if {
	findings := policy.deny with input as _facts(_sides("false"))
	findings == {{
		"target": {"kind": "Deployment", "name": "redis"},
		"path": "",
		"message": "no NetworkPolicy selects the pods of redis",
		"evidence": [],
	}}
}

test_allow_selected_in_one_direction if {
	findings := policy.deny with input as _facts({"ingress": {"selected": "false"}})
	findings == set()
}

test_allow_host_network if {
	findings := policy.deny with input as _facts(object.union(_sides("false"), {"host_network": true}))
	findings == set()
}

test_unknown_other_policies if {
	change := {"doubt": "other_policies", "doubt_about": ["CiliumNetworkPolicy shop/a"]}
	findings := policy.unknown with input as _facts(object.union(_sides("unknown"), change))
	findings == {{
		"target": {"kind": "Deployment", "name": "redis"},
		"path": "",
		"message": "whether a NetworkPolicy isolates redis is not known: CiliumNetworkPolicy shop/a",
		"evidence": [],
	}}
}
