package kguard.runtime.workload_out_of_sight_test

import data.kguard.runtime.workload_out_of_sight as policy

_spot := {
	"ref": {"kind": "Deployment", "namespace": "shop", "name": "web"},
	"runtime_class": "gvisor",
	"handler": "runsc",
	"because": [],
}

test_deny_sandbox if {
	findings := policy.deny with input as {"blind_spots": [_spot]}
	findings == {{
		"target": {"kind": "Deployment", "namespace": "shop", "name": "web"},
		"path": "gvisor",
		"message": "Falco sees nothing of what happens in web: it runs under gvisor",
		"evidence": [],
	}}
}

test_allow_none if {
	findings := policy.deny with input as {"blind_spots": []}
	count(findings) == 0
}
