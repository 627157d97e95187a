package kguard.runtime.alerts_queue_limited_test

import data.kguard.runtime.alerts_queue_limited as policy

_facts(queue) := {"installations": [{
	"ref": {"kind": "DaemonSet", "namespace": "falco", "name": "falco"},
	"queue": queue,
	"because": [{"note": "Falco runs here"}],
}]}

test_deny_an_end if {
	findings := policy.deny with input as _facts(100)
	findings == {{
		"target": {"kind": "DaemonSet", "namespace": "falco", "name": "falco"},
		"path": "outputs_queue",
		"message": "falco drops alerts beyond the 100 that wait for its outputs",
		"evidence": [{"note": "Falco runs here"}],
	}}
}

test_allow_no_end if {
	count(policy.deny) == 0 with input as _facts(0)
}
