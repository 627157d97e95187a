package kguard.mtls.implicit_namespace_test

import data.kguard.mtls.implicit_namespace as policy

_facts(change) := {
	"mesh": {"root": "istio-system"},
	"policies": [object.union(
		{
			"ref": {"kind": "PeerAuthentication", "namespace": "shop", "name": "strict"},
			"scope": "namespace",
			"mode": "strict",
			"state": "decides",
			"dead_reason": "none",
			"origin": "user",
			"namespace_written": "true",
			"tie": "none",
			"rivals": [],
			"weakest": "strict",
			"dead_ports": [],
			"problems": [],
			"because": [],
		},
		change,
	)],
}

test_deny_omitted_namespace if {
	findings := policy.deny with input as _facts({"namespace_written": "false"})
	findings == {{
		"target": {"kind": "PeerAuthentication", "namespace": "shop", "name": "strict"},
		"path": "",
		"message": "applied as it is, this policy is about namespace shop and not about the mesh (root namespace istio-system)",
		"evidence": [{
			"ref": "PeerAuthentication.security.istio.io/shop/strict",
			"pointer": "/metadata",
			"note": "no metadata.namespace",
		}],
	}}
}

test_allow_written_namespace if {
	findings := policy.deny with input as _facts({})
	count(findings) == 0
}

test_allow_selector if {
	findings := policy.deny with input as _facts({"namespace_written": "false", "scope": "workload"})
	count(findings) == 0
}
