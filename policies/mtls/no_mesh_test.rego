package kguard.mtls.no_mesh_test

import data.kguard.mtls.no_mesh as policy

_facts(scope, presence, others) := {
	"scope": scope,
	"presence": presence,
	"others": others,
	"mesh": {"ref": {"kind": "Namespace", "name": "istio-system"}},
}

_other(name, gives) := {"name": name, "gives": gives, "because": []}

test_deny_cluster_without_mesh if {
	findings := policy.deny with input as _facts("cluster", "absent", [])
	findings == {{
		"target": {"kind": "Namespace", "name": "istio-system"},
		"path": "",
		"message": "no mesh in the input: workloads talk in plaintext, and no workload knows who calls it",
		"evidence": [{"note": "looked for Istio's objects, labels and webhooks, and for the marks of other meshes"}],
	}}
}

test_deny_encryption_between_nodes_is_no_mesh if {
	findings := policy.deny with input as _facts("cluster", "absent", [_other("WireGuard", "node_encryption")])
	{finding.message | some finding in findings} == {"no mesh in the input: WireGuard encrypts between nodes only, and no workload knows who calls it"}
}

test_allow_another_mesh if {
	findings := policy.deny with input as _facts("cluster", "absent", [_other("Linkerd", "mutual_tls")])
	count(findings) == 0
}

test_allow_application_without_mesh if {
	findings := policy.deny with input as _facts("app", "absent", [])
	count(findings) == 0
}

test_allow_mesh if {
	every presence in {"present", "unknown"} {
		findings := policy.deny with input as _facts("cluster", presence, [])
		count(findings) == 0
	}
}

test_deny_names_what_only_authenticates if {
	other := _other("Cilium's mutual authentication", "authentication")
	messages := {found.message | some found in policy.deny} with input as _facts("cluster", "absent", [other])
	messages == {"no mesh in the input: Cilium's mutual authentication checks identities and encrypts nothing, and no workload knows who calls it"}
}
