package kguard.manifests.waiver_over_broad_test

import data.kguard.manifests.waiver_over_broad as policy

_waiver(state) := {
	"ref": {"kind": "Waiver", "name": "web.yaml:7"},
	"policy": "network/default-deny",
	"state": state,
	"reason": "why",
	"because": [],
}

test_deny_over_broad if {
	findings := policy.deny with input as {"waivers": [_waiver("over-broad")]}
	findings == {{
		"target": {"kind": "Waiver", "name": "web.yaml:7"},
		"path": "network/default-deny",
		"message": sprintf("the waiver of %s does not count: %s", ["network/default-deny", "why"]),
		"evidence": [],
	}}
}

test_allow_other_states if {
	every state in {"valid", "unused", "expired", "incomplete", "over-broad", "unapproved"} - {"over-broad"} {
		findings := policy.deny with input as {"waivers": [_waiver(state)]}
		count(findings) == 0
	}
}
