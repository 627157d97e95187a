package kguard.runtime.alerts_reach_nobody_test

import data.kguard.runtime.alerts_reach_nobody as policy

_falco := {"kind": "DaemonSet", "namespace": "falco", "name": "falco"}

_facts(delivered) := {"installations": [{
	"ref": _falco,
	"delivered": delivered,
	"delivery": [{"note": "the log"}],
}]}

test_deny_not_delivered if {
	findings := policy.deny with input as _facts("false")
	findings == {{
		"target": _falco,
		"path": "",
		"message": "alerts of falco reach nobody: the log",
		"evidence": [{"note": "the log"}],
	}}
}

test_allow_delivered if {
	denied := policy.deny with input as _facts("true")
	unsure := policy.unknown with input as _facts("true")
	count(denied | unsure) == 0
}

test_unknown if {
	findings := policy.unknown with input as _facts("unknown")
	findings == {{
		"target": _falco,
		"path": "",
		"message": "cannot tell whether alerts of falco reach anyone: the log",
		"evidence": [{"note": "the log"}],
	}}
}
