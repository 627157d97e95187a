package kguard.runtime.rules_cannot_fire_test

import data.kguard.runtime.rules_cannot_fire as policy

_map := {"kind": "ConfigMap", "namespace": "falco", "name": "falco-rules"}

_facts(change) := {"losses": [object.union(
	{
		"ref": _map,
		"effect": "dead",
		"cause": "macro",
		"name": "container",
		"rules": ["a", "b", "c", "d"],
		"of": 25,
		"explanation": "`evt.num = 0` is never true",
		"because": [],
	},
	change,
)]}

test_deny_macro if {
	findings := policy.deny with input as _facts({})
	findings == {{
		"target": _map,
		"path": "macro/container",
		"message": "the macro container silences 4 of 25 rules (a, b, c and 1 more): `evt.num = 0` is never true",
		"evidence": [],
	}}
}

test_deny_few if {
	findings := policy.deny with input as _facts({"rules": ["a"]})
	{finding.message | some finding in findings} == {"the macro container silences 1 of 25 rules (a): `evt.num = 0` is never true"}
}

test_deny_what_changes_rules_that_are_elsewhere if {
	findings := policy.deny with input as _facts({"rules": [], "of": 0})
	{finding.message | some finding in findings} == {"the macro container silences every rule of Falco that needs it: `evt.num = 0` is never true"}
}

test_deny_system_calls if {
	change := {"cause": "syscalls", "name": "execve", "explanation": "Falco does not ask the kernel for execve"}
	findings := policy.deny with input as _facts(change)
	{[finding.path, finding.message] | some finding in findings} == {[
		"syscalls/execve",
		"base_syscalls silences 4 of 25 rules (a, b, c and 1 more): Falco does not ask the kernel for execve",
	]}
}

test_allow_others if {
	every change in [{"cause": "itself"}, {"effect": "disabled"}, {"effect": "hidden"}] {
		findings := policy.deny with input as _facts(change)
		count(findings) == 0
	}
}
