package kguard.mtls.gateway_not_mutual_test

import data.kguard.mtls.gateway_not_mutual as policy

_facts(audience, accepts) := {"gateways": [{
	"ref": {"kind": "Gateway", "name": "local"},
	"server": "http",
	"port": 8081,
	"protocol": "HTTP",
	"accepts": accepts,
	"audience": audience,
	"because": [],
}]}

test_deny_plaintext_inside if {
	findings := policy.deny with input as _facts("mesh", "plaintext")
	findings == {{
		"target": {"kind": "Gateway", "name": "local"},
		"path": "http",
		"message": "gateway local serves the mesh on port 8081 with plaintext: no client proves who it is",
		"evidence": [],
	}}
}

test_deny_tls_of_its_own_inside if {
	messages := {found.message | some found in policy.deny} with input as _facts("mesh", "tls")
	messages == {"gateway local serves the mesh on port 8081 with TLS of its own: no client proves who it is"}
}

test_allow_mutual_tls if {
	every accepts in {"mesh", "mutual", "passthrough", "redirect", "unknown"} {
		findings := policy.deny with input as _facts("mesh", accepts)
		count(findings) == 0
	}
}

test_allow_gateways_for_others if {
	every audience in {"outside", "unknown"} {
		findings := policy.deny with input as _facts(audience, "plaintext")
		count(findings) == 0
	}
}
