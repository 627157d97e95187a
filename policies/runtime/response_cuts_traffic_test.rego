package kguard.runtime.response_cuts_traffic_test

import data.kguard.runtime.response_cuts_traffic as policy

_map := {"kind": "ConfigMap", "namespace": "falco", "name": "talon"}

_facts(effect, rules) := {"responses": [{
	"ref": _map,
	"name": "React",
	"action": "Isolate",
	"actionner": "kubernetes:networkpolicy",
	"effect": effect,
	"rules": rules,
	"because": [],
}]}

test_deny_cut if {
	findings := policy.deny with input as _facts("cuts", ["Shell"])
	findings == {{
		"target": _map,
		"path": "React/Isolate",
		"message": "the rule React of Falco Talon cuts the pod off the network when Shell alerts (kubernetes:networkpolicy)",
		"evidence": [],
	}}
}

test_deny_stop_whatever_alerts if {
	findings := policy.deny with input as _facts("stops", [])
	messages := {finding.message | some finding in findings}
	messages == {"the rule React of Falco Talon stops the pod or its node when a matching rule alerts (kubernetes:networkpolicy)"}
}

test_allow_notes if {
	denied := policy.deny with input as _facts("notes", [])
	unsure := policy.unknown with input as _facts("notes", [])
	count(denied | unsure) == 0
}

test_unknown_actionner if {
	findings := policy.unknown with input as _facts("unknown", [])
	count(findings) == 1
}
