package kguard.mtls.ambient_disable_test

import data.kguard.mtls.ambient_disable as policy

_facts(change) := {"workloads": [{
	"ref": {"kind": "Deployment", "name": "cart"},
	"plane": "ambient",
	"modes": [object.union(
		{
			"ports": ["8080"],
			"listener": "seen",
			"intended": "disable",
			"effective": "permissive",
			"divergence": "none",
			"decided_by": "PeerAuthentication shop/cart",
			"because": [],
		},
		change,
	)],
}]}

test_deny_disable_behind_ztunnel if {
	findings := policy.deny with input as _facts({})
	findings == {{
		"target": {"kind": "Deployment", "name": "cart"},
		"path": "8080",
		"message": "PeerAuthentication shop/cart says DISABLE for port 8080 of cart: ztunnel accepts plaintext and mutual TLS alike",
		"evidence": [],
	}}
}

test_allow_permissive_and_strict if {
	every change in [{"intended": "permissive"}, {"intended": "strict", "effective": "strict"}] {
		findings := policy.deny with input as _facts(change)
		count(findings) == 0
	}
}

test_allow_disable_with_a_sidecar if {
	facts := json.patch(_facts({}), [{"op": "replace", "path": "/workloads/0/plane", "value": "sidecar"}])
	findings := policy.deny with input as facts
	count(findings) == 0
}
