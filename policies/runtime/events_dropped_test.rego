package kguard.runtime.events_dropped_test

import data.kguard.runtime.events_dropped as policy

_falco := {"kind": "DaemonSet", "namespace": "falco", "name": "falco"}

_drop(what, pod) := {
	"drops": [{"installation": _falco, "pod": pod, "what": what, "because": [{"note": "the page"}]}],
	"alerts": [],
}

test_deny_missed_events if {
	findings := policy.deny with input as _drop("events", "falco-x")
	findings == {{
		"target": _falco,
		"path": "falco-x/events",
		"message": "Falco in the pod falco-x has missed system calls since it started",
		"evidence": [{"note": "the page"}],
	}}
}

test_deny_dropped_alerts if {
	some finding in policy.deny with input as _drop("alerts", "")
	finding.message == "the running Falco has dropped alerts since it started"
	finding.path == "running/alerts"
}

_alert(rule) := {"drops": [], "alerts": [{"ref": _falco, "rule": rule, "because": [{"note": "the report"}]}]}

test_deny_its_own_alert if {
	some finding in policy.deny with input as _alert("Falco internal: syscall event drop")
	finding.message == "a Falco has raised an alert that it missed system calls"
}

test_allow_other_alerts if {
	count(policy.deny) == 0 with input as _alert("Terminal shell in container")
}
