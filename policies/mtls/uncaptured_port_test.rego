package kguard.mtls.uncaptured_port_test

import data.kguard.mtls.uncaptured_port as policy

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

test_deny_excluded_port if {
	change := {"ports": ["9090"], "gap": "excluded", "effective": "uncaptured", "intended": "strict"}
	findings := policy.deny with input as _facts("app", change)
	findings == {{
		"target": {"kind": "Deployment", "name": "redis"},
		"path": "excluded",
		"message": "redis on port 9090 bypasses its proxy: policy says STRICT, nobody enforces it",
		"evidence": [],
	}}
}

test_allow_what_no_annotation_takes_out if {
	every gap in {"none", "protocol", "proxy_port"} {
		findings := policy.deny with input as _facts("app", {"gap": gap})
		count(findings) == 0
	}
}
