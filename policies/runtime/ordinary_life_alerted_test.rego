package kguard.runtime.ordinary_life_alerted_test

import data.kguard.runtime.ordinary_life_alerted as policy

_falco := {"kind": "DaemonSet", "namespace": "falco", "name": "falco"}

test_deny_noise if {
	facts := {"ordinary": [{
		"installation": _falco,
		"id": "probe",
		"title": "a readiness probe",
		"rule": "Any",
		"priority": "Debug",
		"because": [],
	}]}
	findings := policy.deny with input as facts
	findings == {{
		"target": _falco,
		"path": "probe",
		"message": "the rule Any (Debug) raises an alert for what happens all the time: a readiness probe",
		"evidence": [],
	}}
}

test_allow_silence if {
	findings := policy.deny with input as {"ordinary": []}
	count(findings) == 0
}
