package kguard.mtls.auto_mtls_off_test

import data.kguard.mtls.auto_mtls_off as policy

_facts(switch) := {
	"presence": "present",
	"mesh": {
		"ref": {"kind": "Namespace", "name": "istio-system"},
		"auto_mtls": switch,
		"everywhere": "none",
		"settings": [],
	},
}

test_deny_switched_off if {
	findings := policy.deny with input as _facts("off")
	findings == {{
		"target": {"kind": "Namespace", "name": "istio-system"},
		"path": "auto-mtls",
		"message": "enableAutoMtls is false: sidecars send plaintext wherever no DestinationRule says otherwise",
		"evidence": [],
	}}
}

test_allow_switched_on if {
	findings := policy.deny with input as _facts("on")
	count(findings) == 0
}

test_allow_rules_in_its_place if {
	facts := json.patch(_facts("off"), [{"op": "replace", "path": "/mesh/everywhere", "value": "mutual"}])
	findings := policy.deny with input as facts
	count(findings) == 0
}
