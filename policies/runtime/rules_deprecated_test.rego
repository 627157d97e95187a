package kguard.runtime.rules_deprecated_test

import data.kguard.runtime.rules_deprecated as policy

_map := {"kind": "ConfigMap", "namespace": "falco", "name": "falco-rules"}

_facts(about) := {"problems": [{
	"ref": _map,
	"file": "local.yaml",
	"level": "warning",
	"code": "LOAD_DEPRECATED_ITEM",
	"about": about,
	"message": "m",
	"item": "rule a",
	"because": [],
}]}

test_deny_it if {
	findings := policy.deny with input as _facts("deprecated")
	findings == {{
		"target": _map,
		"path": "LOAD_DEPRECATED_ITEM/rule a/m",
		"message": sprintf("%s: %s uses what a later Falco drops: %s", ["local.yaml", "rule a", "m"]),
		"evidence": [],
	}}
}

test_allow_other_warnings if {
	findings := policy.deny with input as _facts("unused")
	count(findings) == 0
}
