package kguard.mtls.mesh_not_strict_test

import data.kguard.mtls.mesh_not_strict as policy

_facts(scope, mode) := {
	"scope": scope,
	"presence": "present",
	"mesh": {
		"ref": {"kind": "Namespace", "name": "istio-system"},
		"intended": mode,
		"because": [],
	},
}

test_deny_permissive_mesh if {
	findings := policy.deny with input as _facts("cluster", "permissive")
	findings == {{
		"target": {"kind": "Namespace", "name": "istio-system"},
		"path": "",
		"message": "the mesh starts from PERMISSIVE: a new namespace accepts plaintext",
		"evidence": [],
	}}
}

test_allow_strict_mesh if {
	findings := policy.deny with input as _facts("cluster", "strict")
	count(findings) == 0
}

test_allow_manifests_of_one_application if {
	findings := policy.deny with input as _facts("app", "permissive")
	count(findings) == 0
}
