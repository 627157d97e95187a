package kguard.mtls.client_without_identity_test

import data.kguard.mtls.client_without_identity as policy

_facts(effect) := {"rules": [{
	"ref": {"kind": "DestinationRule", "name": "redis"},
	"host": "redis",
	"part": "rule",
	"mode": "disable",
	"sends": "plaintext",
	"effect": effect,
	"refusal": "strict",
	"because": [],
}]}

test_deny_clients_that_are_cut if {
	findings := policy.deny with input as _facts("cut")
	findings == {{
		"target": {"kind": "DestinationRule", "name": "redis"},
		"path": "rule",
		"message": "clients send plaintext to redis: it is STRICT and refuses them",
		"evidence": [],
	}}
}

test_deny_clients_without_identity if {
	findings := policy.deny with input as _facts("downgrade")
	{finding.message | some finding in findings} == {"clients send plaintext to redis: it accepts them without identity"}
}

test_allow_rules_without_effect if {
	every effect in {"none", "unknown"} {
		findings := policy.deny with input as _facts(effect)
		count(findings) == 0
	}
}

test_deny_mutual_tls_to_pods_without_proxy if {
	facts := json.patch(_facts("cut"), [
		{"op": "replace", "path": "/rules/0/sends", "value": "mtls"},
		{"op": "replace", "path": "/rules/0/part", "value": "subset v1"},
		{"op": "replace", "path": "/rules/0/refusal", "value": "no_proxy"},
	])
	findings := policy.deny with input as facts
	{finding.message | some finding in findings} == {"clients send mutual TLS to redis (subset v1): some of its pods have no proxy that could take it"}
}

test_deny_tls_that_nobody_can_read if {
	facts := json.patch(_facts("cut"), [
		{"op": "replace", "path": "/rules/0/sends", "value": "foreign_tls"},
		{"op": "replace", "path": "/rules/0/refusal", "value": "unreadable"},
	])
	findings := policy.deny with input as facts
	{finding.message | some finding in findings} == {"clients send TLS without mesh identity to redis: its sidecars read HTTP there and cannot read what they send"}
}
