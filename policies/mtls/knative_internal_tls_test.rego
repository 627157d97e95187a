package kguard.mtls.knative_internal_tls_test

import data.kguard.mtls.knative_internal_tls as policy

_facts(value) := {"knative": [{
	"ref": {"kind": "ConfigMap", "name": "config-network"},
	"key": "system-internal-tls",
	"kind": "server_tls",
	"value": value,
	"because": [],
}]}

test_deny_so_that_it_is_named if {
	findings := policy.deny with input as _facts("enabled")
	findings == {{
		"target": {"kind": "ConfigMap", "name": "config-network"},
		"path": "system-internal-tls",
		"message": "system-internal-tls gives TLS in which only the server proves who it is: not mutual TLS",
		"evidence": [],
	}}
}

test_allow_off if {
	findings := policy.deny with input as _facts("disabled")
	count(findings) == 0
}
