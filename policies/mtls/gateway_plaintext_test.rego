package kguard.mtls.gateway_plaintext_test

import data.kguard.mtls.gateway_plaintext as policy

_facts(accepts) := {"gateways": [{
	"ref": {"kind": "Gateway", "name": "shop"},
	"server": "http",
	"port": 80,
	"protocol": "HTTP",
	"accepts": accepts,
	"audience": "outside",
	"because": [],
}]}

test_deny_http if {
	findings := policy.deny with input as _facts("plaintext")
	findings == {{
		"target": {"kind": "Gateway", "name": "shop"},
		"path": "http",
		"message": "gateway shop accepts plaintext on port 80 (HTTP), and PeerAuthentication has no say on gateways",
		"evidence": [],
	}}
}

test_allow_encrypted_and_redirecting if {
	every accepts in {"challenge", "redirect", "tls", "mutual", "mesh", "passthrough", "unknown"} {
		findings := policy.deny with input as _facts(accepts)
		count(findings) == 0
	}
}

test_allow_what_only_the_mesh_reaches if {
	facts := json.patch(_facts("plaintext"), [{"op": "replace", "path": "/gateways/0/audience", "value": "mesh"}])
	findings := policy.deny with input as facts
	count(findings) == 0
}

test_unknown_mode if {
	findings := policy.unknown with input as _facts("unknown")
	{found.message | some found in findings} == {"what gateway shop accepts on port 80 cannot be told"}
}
