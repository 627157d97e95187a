package kguard.runtime.condition_refused_test

import data.kguard.runtime.condition_refused as policy

_map := {"kind": "ConfigMap", "namespace": "falco", "name": "falco-rules"}

_facts(level, about) := {"problems": [{
	"ref": _map,
	"file": "local.yaml",
	"level": level,
	"code": "LOAD_ERR_COMPILE_CONDITION",
	"about": about,
	"message": "filter_check called with nonexistent field foo.bar",
	"item": "rule a",
	"because": [],
}]}

test_deny_it if {
	findings := policy.deny with input as _facts("error", "condition")
	findings == {{
		"target": _map,
		"path": "LOAD_ERR_COMPILE_CONDITION/rule a",
		"message": sprintf("Falco does not start: it refuses a condition in %s: %s", ["local.yaml", "filter_check called with nonexistent field foo.bar"]),
		"evidence": [],
	}}
}

test_allow_other_errors if {
	findings := policy.deny with input as _facts("error", "nothing")
	count(findings) == 0
}

test_allow_warning if {
	findings := policy.deny with input as _facts("warning", "condition")
	count(findings) == 0
}
