package kguard.manifests.waiver_expired_test

import data.kguard.manifests.waiver_expired as policy

_waiver(state) := {
	"ref": {"kind": "Waiver", "name": "web.yaml:7"},
	"policy": "network/default-deny",
	"state": state,
	"reason": "why",
	"because": [],
}

test_deny_expired if {
	findings := policy.deny with input as {"waivers": [_waiver("expired")]}
	findings == {{
		"target": {"kind": "Waiver", "name": "web.yaml:7"},
		"path": "network/default-deny",
		"message": sprintf("the waiver of %s no longer counts: %s", ["network/default-deny", "why"]),
		"evidence": [],
	}}
}

test_allow_other_states if {
	every state in {"valid", "unused", "expired", "incomplete", "over-broad", "unapproved"} - {"expired"} {
		findings := policy.deny with input as {"waivers": [_waiver(state)]}
		count(findings) == 0
	}
}
