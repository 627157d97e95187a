package kguard.runtime.alert_raised_test

import data.kguard.runtime.alert_raised as policy

_ref := {"apiVersion": "apps/v1", "kind": "Deployment", "namespace": "shop", "name": "cart"}

_facts(changes) := {
	"params": {"runtime/alert-raised": {"priorities": ["Critical", "Warning"]}},
	"alerts": [object.union(
		{
			"ref": _ref,
			"rule": "Shell",
			"priority": "Critical",
			"count": 1,
			"first": "2026-11-23T09:00:00.000000000Z",
			"last": "2026-11-23T10:00:00.000000000Z",
			"because": [],
		},
		changes,
	)],
}

test_deny_an_alert if {
	findings := policy.deny with input as _facts({})
	findings == {{
		"target": _ref,
		"path": "Shell",
		"severity": "critical",
		"message": "Falco raised \"Shell\" (Critical) about cart once, last at 2026-11-23T10:00:00Z",
		"evidence": [],
	}}
}

test_deny_with_a_severity_of_its_own if {
	findings := policy.deny with input as _facts({"priority": "Warning", "count": 7})
	{[finding.severity, finding.message] | some finding in findings} == {[
		"medium",
		"Falco raised \"Shell\" (Warning) about cart 7 times, last at 2026-11-23T10:00:00Z",
	]}
}

test_allow_what_nobody_asked_for if {
	policy.deny == set() with input as _facts({"priority": "Notice"})
}

test_deny_without_a_time if {
	findings := policy.deny with input as _facts({"first": "", "last": ""})
	{finding.message | some finding in findings} == {"Falco raised \"Shell\" (Critical) about cart once, nobody wrote down when"}
}
