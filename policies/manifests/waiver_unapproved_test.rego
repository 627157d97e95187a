package kguard.manifests.waiver_unapproved_test

import data.kguard.manifests.waiver_unapproved as policy

_waiver(state) := {
	"ref": {"kind": "Waiver", "name": "web.yaml:7"},
	"policy": "network/default-deny",
	"state": state,
	"reason": "why",
	"because": [],
}

test_deny_unapproved if {
	findings := policy.deny with input as {"waivers": [_waiver("unapproved")]}
	findings == {{
		"target": {"kind": "Waiver", "name": "web.yaml:7"},
		"path": "network/default-deny",
		"message": "the waiver of network/default-deny does not count: the revision that settings come from lacks it",
		"evidence": [],
	}}
}

test_allow_other_states if {
	every state in {"valid", "unused", "expired", "incomplete", "over-broad", "unapproved"} - {"unapproved"} {
		findings := policy.deny with input as {"waivers": [_waiver(state)]}
		count(findings) == 0
	}
}
