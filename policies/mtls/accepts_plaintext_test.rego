package kguard.mtls.accepts_plaintext_test

import data.kguard.mtls.accepts_plaintext as policy

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
		"serves": "ports",
		"intended": "strict",
		"modes": [object.union(_group, change)],
	}],
}

_message(change) := message if {
	findings := policy.deny with input as _facts("cluster", change)
	some finding in findings
	message := finding.message
}

test_deny_permissive_namespace if {
	findings := policy.deny with input as _facts("app", {})
	findings == {{
		"target": {"kind": "Deployment", "name": "redis"},
		"path": "",
		"message": "redis accepts plaintext on every port (8080 and all others): PeerAuthentication shop/old decides",
		"evidence": [],
		"severity": "high",
	}}
}

test_deny_names_the_ports if {
	_message({"ports": ["80", "81"]}) == "redis accepts plaintext on port 80, 81: PeerAuthentication shop/old decides"
	_message({"ports": ["other"]}) == "redis accepts plaintext on every port: PeerAuthentication shop/old decides"
}

test_deny_istios_default_weighs_less_in_an_application if {
	change := {"decided_at": "default", "decided_by": ""}
	in_app := policy.deny with input as _facts("app", change)
	in_cluster := policy.deny with input as _facts("cluster", change)
	{finding.severity | some finding in in_app} == {"medium"}
	{finding.severity | some finding in in_cluster} == {"high"}
}

test_allow_what_is_judged_elsewhere if {
	changes := [
		{"effective": "strict"},
		{"effective": "not_enrolled"},
		{"effective": "unknown"},
		{"decided_at": "port"},
		{"caller": "apiserver"},
		{"divergence": "fail_open"},
	]
	every change in changes {
		findings := policy.deny with input as _facts("cluster", change)
		count(findings) == 0
	}
}

test_allow_workload_that_serves_nothing if {
	facts := json.patch(_facts("cluster", {}), [{"op": "replace", "path": "/workloads/0/serves", "value": "nothing"}])
	findings := policy.deny with input as facts
	count(findings) == 0
}
