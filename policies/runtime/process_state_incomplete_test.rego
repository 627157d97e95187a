package kguard.runtime.process_state_incomplete_test

import data.kguard.runtime.process_state_incomplete as policy

_falco := {"kind": "DaemonSet", "namespace": "falco", "name": "falco"}

_facts(lost) := {"installations": [{
	"ref": _falco,
	"lost_state": lost,
	"state_because": [{"note": "leaves them out"}],
	"because": [{"note": "Falco runs here"}],
}]}

test_deny_lost if {
	findings := policy.deny with input as _facts(["clone", "fork"])
	findings == {{
		"target": _falco,
		"path": "base_syscalls",
		"message": "falco does not follow clone, fork: processes and containers of events will be wrong",
		"evidence": [{"note": "Falco runs here"}, {"note": "leaves them out"}],
	}}
}

test_allow_complete if {
	findings := policy.deny with input as _facts([])
	count(findings) == 0
}
