package kguard.mtls.client_without_identity_test

import data.kguard.mtls.client_without_identity as policy

_facts(effect) := {"rules": [{
	"ref": {"kind": "DestinationRule", "name": "redis"},
	"host": "redis",
	"part": "rule",
	"mode": "disable",
	"sends": "plaintext",
	"effect": effect,
	"because": [],
}]}

test_deny_clients_that_are_cut if {
	findings := policy.deny with input as _facts("cut")
	findings == {{
		"target": {"kind": "DestinationRule", "name": "redis"},
		"path": "rule",
		"message": "clients send plaintext to redis (rule): it is STRICT and refuses them",
		"evidence": [],
	}}
}

test_deny_clients_without_identity if {
	findings := policy.deny with input as _facts("downgrade")
	{finding.message | some finding in findings} == {"clients send plaintext to redis (rule): it accepts them without identity"}
}

test_allow_rules_without_effect if {
	every effect in {"pointless", "none", "unknown"} {
		findings := policy.deny with input as _facts(effect)
		count(findings) == 0
	}
}
