package kguard.mtls.rule_misnamed_test

import data.kguard.mtls.rule_misnamed as policy

_facts(effect) := {"rules": [{
	"ref": {"kind": "DestinationRule", "name": "redis"},
	"host": "redis.shop",
	"effect": effect,
	"because": [],
}]}

test_deny_half_a_name if {
	findings := policy.deny with input as _facts("misnamed")
	findings == {{
		"target": {"kind": "DestinationRule", "name": "redis"},
		"path": "host",
		"message": "no client obeys the rule for redis.shop: a host with a dot must be the full name",
		"evidence": [],
	}}
}

test_allow_hosts_that_match if {
	every effect in {"cut", "downgrade", "none", "unknown"} {
		findings := policy.deny with input as _facts(effect)
		count(findings) == 0
	}
}
