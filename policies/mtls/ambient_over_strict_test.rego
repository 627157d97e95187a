package kguard.mtls.ambient_over_strict_test

import data.kguard.mtls.ambient_over_strict as policy

_facts(change) := {"workloads": [{
	"ref": {"kind": "Deployment", "name": "cart"},
	"plane": "ambient",
	"modes": [object.union(
		{
			"ports": ["8080"],
			"listener": "seen",
			"intended": "disable",
			"effective": "permissive",
			"divergence": "none",
			"decided_by": "PeerAuthentication shop/cart",
			"because": [],
		},
		change,
	)],
}]}

test_deny_a_lost_exemption if {
	findings := policy.deny with input as _facts({"effective": "strict", "divergence": "over_strict"})
	findings == {{
		"target": {"kind": "Deployment", "name": "cart"},
		"path": "8080",
		"message": "cart refuses plaintext on port 8080 although policy lets it through: callers are cut off",
		"evidence": [],
	}}
}

test_allow_what_is_as_written if {
	every divergence in {"none", "fail_open"} {
		findings := policy.deny with input as _facts({"divergence": divergence})
		count(findings) == 0
	}
}

test_allow_ports_that_nobody_serves if {
	findings := policy.deny with input as _facts({"divergence": "over_strict", "listener": "not_seen"})
	count(findings) == 0
}
