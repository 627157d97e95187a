package kguard.mtls.dead_policy_test

import data.kguard.mtls.dead_policy as policy

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

test_deny_younger_policy if {
	findings := policy.deny with input as _facts({"state": "dead", "dead_reason": "younger"})
	findings == {{
		"target": {"kind": "PeerAuthentication", "namespace": "shop", "name": "strict"},
		"path": "younger",
		"message": "PeerAuthentication shop/strict has no effect: an older policy of the same scope wins",
		"evidence": [],
		"severity": "medium",
	}}
}

test_deny_duplicate_that_says_the_same_weighs_less if {
	findings := policy.deny with input as _facts({"state": "dead", "dead_reason": "younger", "tie": "same"})
	{finding.severity | some finding in findings} == {"low"}
}

test_deny_every_reason if {
	every reason in {"root_selector", "younger", "no_workload", "revision", "undiscovered"} {
		findings := policy.deny with input as _facts({"state": "dead", "dead_reason": reason})
		count(findings) == 1
	}
}

test_allow_others if {
	changes := [{}, {"state": "refused"}, {"state": "unknown"}, {"state": "dead", "origin": "net-istio"}]
	every change in changes {
		findings := policy.deny with input as _facts(change)
		count(findings) == 0
	}
}
