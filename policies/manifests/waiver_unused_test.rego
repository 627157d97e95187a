package kguard.manifests.waiver_unused_test

import data.kguard.manifests.waiver_unused as policy

_waiver(state) := {
	"ref": {"kind": "Waiver", "name": "web.yaml:7"},
	"policy": "network/default-deny",
	"state": state,
	"reason": "why",
	"because": [],
}

test_deny_unused if {
	findings := policy.deny with input as {"waivers": [_waiver("unused")]}
	findings == {{
		"target": {"kind": "Waiver", "name": "web.yaml:7"},
		"path": "network/default-deny",
		"message": sprintf("the waiver of %s is not needed any more", ["network/default-deny"]),
		"evidence": [],
	}}
}

test_allow_other_states if {
	every state in {"valid", "unused", "expired", "incomplete", "over-broad", "unapproved"} - {"unused"} {
		findings := policy.deny with input as {"waivers": [_waiver(state)]}
		count(findings) == 0
	}
}
