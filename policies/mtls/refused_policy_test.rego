package kguard.mtls.refused_policy_test

import data.kguard.mtls.refused_policy as policy

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

test_deny_refused if {
	findings := policy.deny with input as _facts({"state": "refused", "problems": ["unknown mode 'X'", "no port"]})
	findings == {{
		"target": {"kind": "PeerAuthentication", "namespace": "shop", "name": "strict"},
		"path": "",
		"message": "PeerAuthentication shop/strict is refused: unknown mode 'X'; no port",
		"evidence": [],
	}}
}

test_allow_stored if {
	findings := policy.deny with input as _facts({})
	count(findings) == 0
}
