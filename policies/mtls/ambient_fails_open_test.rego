package kguard.mtls.ambient_fails_open_test

import data.kguard.mtls.ambient_fails_open as policy

_group := {
	"ports": ["8080", "other"],
	"protocol": "TCP",
	"listener": "seen",
	"intended": "permissive",
	"effective": "permissive",
	"decided_at": "namespace",
	"decided_by": "PeerAuthentication shop/old",
	"gap": "none",
	"caller": "any",
	"divergence": "none",
	"because": [],
}

_facts(scope, change) := {
	"scope": scope,
	"workloads": [{
		"ref": {"kind": "Deployment", "name": "redis"},
		"role": "application",
		"plane": "sidecar",
		"intended": "strict",
		"modes": [object.union(_group, change)],
	}],
}

test_deny_port_that_ztunnel_leaves_open if {
	facts := json.patch(_facts("app", {"divergence": "fail_open"}), [{
		"op": "replace",
		"path": "/workloads/0/plane",
		"value": "ambient",
	}])
	findings := policy.deny with input as facts
	findings == {{
		"target": {"kind": "Deployment", "name": "redis"},
		"path": "8080/other",
		"message": "redis accepts plaintext on port 8080, other although policy says STRICT",
		"evidence": [],
	}}
}

test_allow_ports_as_policy_says if {
	every divergence in {"none", "over_strict"} {
		findings := policy.deny with input as _facts("app", {"divergence": divergence})
		count(findings) == 0
	}
}
