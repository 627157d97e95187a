package kguard.mtls.ambiguous_order_test

import data.kguard.mtls.ambiguous_order as policy

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

test_deny_rivals_that_differ if {
	change := {"tie": "differs", "rivals": ["shop/lax"], "weakest": "permissive"}
	findings := policy.deny with input as _facts(change)
	findings == {{
		"target": {"kind": "PeerAuthentication", "namespace": "shop", "name": "strict"},
		"path": "shop/lax",
		"message": "whichever is applied first wins: shop/strict or shop/lax; at worst the mode is PERMISSIVE",
		"evidence": [],
	}}
}

test_allow_rivals_that_agree if {
	every tie in {"none", "same"} {
		findings := policy.deny with input as _facts({"tie": tie})
		count(findings) == 0
	}
}
