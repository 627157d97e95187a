package kguard.mtls.tls_mode_label_test

import data.kguard.mtls.tls_mode_label as policy

_facts(change) := {"workloads": [object.union(
	{
		"ref": {"kind": "Deployment", "name": "redis"},
		"plane": "sidecar",
		"tls_label": "off",
		"serves": "ports",
		"because": [],
	},
	change,
)]}

test_deny_label_set_by_hand if {
	findings := policy.deny with input as _facts({})
	findings == {{
		"target": {"kind": "Deployment", "name": "redis"},
		"path": "",
		"message": "clients send plaintext to redis: its label security.istio.io/tlsMode is not istio",
		"evidence": [],
	}}
}

test_allow_others if {
	every change in [{"tls_label": "istio"}, {"plane": "none"}, {"serves": "nothing"}] {
		findings := policy.deny with input as _facts(change)
		count(findings) == 0
	}
}
