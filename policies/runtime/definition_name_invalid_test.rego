package kguard.runtime.definition_name_invalid_test

import data.kguard.runtime.definition_name_invalid as policy

_map := {"kind": "ConfigMap", "namespace": "falco", "name": "falco-rules"}

_facts(about) := {"problems": [{
	"ref": _map,
	"file": "local.yaml",
	"level": "warning",
	"code": "LOAD_INVALID_MACRO_NAME",
	"about": about,
	"message": "m",
	"item": "rule a",
	"because": [],
}]}

test_deny_it if {
	findings := policy.deny with input as _facts("name")
	findings == {{
		"target": _map,
		"path": "LOAD_INVALID_MACRO_NAME/rule a/m",
		"message": sprintf("%s: the name of %s breaks the rules", ["local.yaml", "rule a"]),
		"evidence": [],
	}}
}

test_allow_other_warnings if {
	findings := policy.deny with input as _facts("unused")
	count(findings) == 0
}
