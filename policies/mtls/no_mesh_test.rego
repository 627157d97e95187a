package kguard.mtls.no_mesh_test

import data.kguard.mtls.no_mesh as policy

_facts(scope, presence) := {
	"scope": scope,
	"presence": presence,
	"mesh": {"ref": {"kind": "Namespace", "name": "istio-system"}},
}

test_deny_cluster_without_mesh if {
	findings := policy.deny with input as _facts("cluster", "absent")
	findings == {{
		"target": {"kind": "Namespace", "name": "istio-system"},
		"path": "",
		"message": "no mesh in the input: workloads talk in plaintext, and none knows who calls it",
		"evidence": [{"note": "looked for Istio's objects, labels and webhooks in the whole input"}],
	}}
}

test_allow_application_without_mesh if {
	findings := policy.deny with input as _facts("app", "absent")
	count(findings) == 0
}

test_allow_mesh if {
	every presence in {"present", "unknown"} {
		findings := policy.deny with input as _facts("cluster", presence)
		count(findings) == 0
	}
}
