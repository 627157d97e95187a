package kguard.mtls.dead_port_test

import data.kguard.mtls.dead_port as policy

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

_entry(reason) := {"port": "80", "reason": reason, "because": []}

test_deny_port_of_a_service if {
	findings := policy.deny with input as _facts({"dead_ports": [_entry("service_port")]})
	findings == {{
		"target": {"kind": "PeerAuthentication", "namespace": "shop", "name": "strict"},
		"path": "port/80",
		"message": "PeerAuthentication shop/strict sets a mode for port 80: that is a Service's port, the pods listen on another one",
		"evidence": [],
		"severity": "medium",
	}}
}

test_deny_undeclared_port_weighs_less if {
	findings := policy.deny with input as _facts({"dead_ports": [_entry("undeclared")]})
	{finding.severity | some finding in findings} == {"low"}
}

test_allow_live_ports if {
	findings := policy.deny with input as _facts({})
	count(findings) == 0
}
