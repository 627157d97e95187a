package kguard.runtime.drops_unnoticed_test

import data.kguard.runtime.drops_unnoticed as policy

_falco := {"kind": "DaemonSet", "namespace": "falco", "name": "falco"}

_facts(state) := {"installations": [{
	"ref": _falco,
	"drops": state,
	"drops_because": [{"note": "actions"}],
	"because": [{"note": "here"}],
}]}

test_deny_silent_drops if {
	findings := policy.deny with input as _facts("ignored")
	findings == {{
		"target": _falco,
		"path": "",
		"message": "nobody would learn that falco misses events: it does nothing then",
		"evidence": [{"note": "actions"}],
	}}
}

test_deny_logged_and_hidden if {
	every state in ["logged", "hidden"] {
		count(policy.deny) == 1 with input as _facts(state)
	}
}

test_allow_what_is_noticed if {
	every state in ["heard", "measured", "exits", "none", "unknown"] {
		count(policy.deny) == 0 with input as _facts(state)
	}
}

test_unknown_configuration if {
	some finding in policy.unknown with input as _facts("unknown")
	finding.message == "cannot tell whether anyone would learn that falco misses events"
	count(policy.unknown) == 0 with input as _facts("heard")
}
