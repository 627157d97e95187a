package kguard.mtls.namespace_outside_mesh_test

import data.kguard.mtls.namespace_outside_mesh as policy

_facts(change) := object.union(_mesh("app", "policy"), {"namespaces": [object.union(
	{
		"ref": {"kind": "Namespace", "name": "shop"},
		"role": "application",
		"enrolment": "none",
		"workloads": 3,
		"unknown": 0,
		"outside": ["cart", "web"],
		"because": [],
	},
	change,
)]})

_mesh(scope, sign) := {"scope": scope, "mesh": {"sign": sign}}

test_deny_namespace_without_label if {
	findings := policy.deny with input as _facts({})
	findings == {{
		"target": {"kind": "Namespace", "name": "shop"},
		"path": "",
		"message": "no proxy in namespace shop for cart, web: mutual TLS is neither offered nor asked for",
		"evidence": [],
	}}
}

test_allow_namespaces_of_the_mesh if {
	changes := [{"enrolment": "sidecar"}, {"enrolment": "ambient"}, {"outside": []}, {"role": "system"}]
	every change in changes {
		findings := policy.deny with input as _facts(change)
		count(findings) == 0
	}
}

test_unknown_without_the_namespace_object if {
	change := {"enrolment": "unknown", "unknown": 2, "outside": []}
	denied := policy.deny with input as _facts(change)
	count(denied) == 0
	findings := policy.unknown with input as _facts(change)
	findings == {{
		"target": {"kind": "Namespace", "name": "shop"},
		"path": "",
		"message": "whether 2 of 3 workloads in namespace shop are in the mesh cannot be told",
		"evidence": [],
	}}
}

test_allow_application_that_only_ships_routes if {
	findings := policy.deny with input as object.union(_facts({}), _mesh("app", "routing"))
	count(findings) == 0
}

test_deny_whole_cluster_with_routes if {
	findings := policy.deny with input as object.union(_facts({}), _mesh("cluster", "routing"))
	count(findings) == 1
}

test_unknown_of_the_only_workload if {
	change := {"enrolment": "unknown", "workloads": 1, "enrolled": 0, "unknown": 1, "outside": []}
	messages := {found.message | some found in policy.unknown} with input as _facts(change)
	messages == {"whether the only workload in namespace shop is in the mesh cannot be told"}
}
