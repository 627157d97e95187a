package kguard.runtime.driver_of_another_release_test

import data.kguard.runtime.driver_of_another_release as policy

_falco := {"kind": "DaemonSet", "namespace": "falco", "name": "falco"}

_facts(state) := {"drivers": [{
	"installation": _falco,
	"state": state,
	"version": "0.43.0",
	"because": [{"note": "the loader"}],
}]}

test_deny_another_release if {
	findings := policy.deny with input as _facts("differs")
	findings == {{
		"target": _falco,
		"path": "",
		"message": "the driver of falco is loaded by release 0.43.0",
		"evidence": [{"note": "the loader"}],
	}}
	count(policy.unknown) == 0 with input as _facts("differs")
}

test_unknown_versions if {
	some finding in policy.unknown with input as _facts("unknown")
	finding.message == "cannot tell whether the driver of falco is of its release"
	count(policy.deny) == 0 with input as _facts("unknown")
}

test_allow_none if {
	count(policy.deny) == 0 with input as {"drivers": []}
}
