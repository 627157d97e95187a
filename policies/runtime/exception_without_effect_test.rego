package kguard.runtime.exception_without_effect_test

import data.kguard.runtime.exception_without_effect as policy

_map := {"kind": "ConfigMap", "namespace": "falco", "name": "falco-rules"}

_facts(about) := {"problems": [{
	"ref": _map,
	"file": "local.yaml",
	"level": "warning",
	"code": "LOAD_APPEND_NO_VALUES",
	"about": about,
	"message": "m",
	"item": "rule a",
	"because": [],
}]}

test_deny_it if {
	findings := policy.deny with input as _facts("no_effect")
	findings == {{
		"target": _map,
		"path": "LOAD_APPEND_NO_VALUES/rule a/m",
		"message": sprintf("%s: an exception of %s has no effect: %s", ["local.yaml", "rule a", "m"]),
		"evidence": [],
	}}
}

test_allow_other_warnings if {
	findings := policy.deny with input as _facts("unused")
	count(findings) == 0
}
