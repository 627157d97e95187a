package kguard.manifests.missing_reference_test

import data.kguard.manifests.missing_reference as policy

test_deny_a_missing_broker if {
	reference := {
		"ref": {"kind": "Trigger", "name": "ship"},
		"subject": "Trigger ship",
		"path": "spec.broker",
		"to": "Broker shop/default",
		"because": [],
	}
	findings := policy.deny with input as {"references": [reference]}
	findings == {{
		"target": {"kind": "Trigger", "name": "ship"},
		"path": "spec.broker Broker shop/default",
		"message": "Trigger ship refers to Broker shop/default, which is not in the input",
		"evidence": [],
	}}
}

test_allow_none if {
	findings := policy.deny with input as {"references": []}
	findings == set()
}
