package kguard.mtls.webhook_refused_test

import data.kguard.mtls.webhook_refused as policy

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

_webhook := {
	"ports": ["8443"],
	"effective": "strict",
	"caller": "apiserver",
}

test_deny_strict_webhook if {
	findings := policy.deny with input as _facts("app", _webhook)
	findings == {{
		"target": {"kind": "Deployment", "name": "redis"},
		"path": "8443",
		"message": "the API server cannot call redis on port 8443: it has no mesh identity and the port is STRICT",
		"evidence": [],
	}}
}

test_allow_exempted_webhook if {
	findings := policy.deny with input as _facts("app", object.union(_webhook, {"effective": "permissive"}))
	count(findings) == 0
}

test_allow_other_callers if {
	findings := policy.deny with input as _facts("app", object.union(_webhook, {"caller": "any"}))
	count(findings) == 0
}
