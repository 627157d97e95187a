package kguard.runtime.rule_weakened_test

import data.kguard.runtime.rule_weakened as policy

_map := {"kind": "ConfigMap", "namespace": "falco", "name": "falco-rules"}

_facts(effect, breadth, detections) := {
	"weakened": [{
		"ref": _map,
		"cause": "rule",
		"name": "Shell",
		"effect": effect,
		"breadth": breadth,
		"excluded": ["k8s.ns.name = shop"],
		"detections": detections,
		"rules": ["Shell"],
		"because": [],
	}],
	"params": {"runtime/rule-weakened": {"wide": ["namespace"]}},
}

test_deny_wide if {
	findings := policy.deny with input as _facts("narrowed", "namespace", [])
	findings == {{
		"target": _map,
		"path": "rule/Shell/narrowed/namespace",
		"message": "the rule Shell keeps Shell from seeing what meets `k8s.ns.name = shop`",
		"severity": "medium",
		"evidence": [],
	}}
}

test_deny_lost_attack if {
	findings := policy.deny with input as _facts("narrowed", "specific", ["D1"])
	messages := {[finding.severity, finding.message] | some finding in findings}
	messages == {["high", "the rule Shell keeps Shell from seeing what meets `k8s.ns.name = shop`: the attacks D1 are no longer seen by it"]}
}

test_deny_demoted if {
	findings := policy.deny with input as _facts("demoted", "specific", [])
	messages := {finding.message | some finding in findings}
	messages == {"the rule Shell makes Shell less urgent"}
}

test_allow_narrow_exception if {
	denied := policy.deny with input as _facts("narrowed", "specific", [])
	unsure := policy.unknown with input as _facts("narrowed", "specific", [])
	count(denied | unsure) == 0
}

test_unknown_changes if {
	every facts in [_facts("unknown", "unknown", []), _facts("narrowed", "unknown", [])] {
		findings := policy.unknown with input as facts
		messages := {finding.message | some finding in findings}
		messages == {"cannot tell how much the rule Shell takes away"}
	}
}
