package kguard.runtime.comparison_suspicious_test

import data.kguard.runtime.comparison_suspicious as policy

_map := {"kind": "ConfigMap", "namespace": "falco", "name": "falco-rules"}

_facts(about) := {"problems": [{
	"ref": _map,
	"file": "local.yaml",
	"level": "warning",
	"code": "LOAD_COMPILE_CONDITION",
	"about": about,
	"message": "m",
	"item": "rule a",
	"because": [],
}]}

test_deny_it if {
	findings := policy.deny with input as _facts("suspicious")
	findings == {{
		"target": _map,
		"path": "LOAD_COMPILE_CONDITION/rule a/m",
		"message": sprintf("%s: a comparison of %s means something else than it says: %s", ["local.yaml", "rule a", "m"]),
		"evidence": [],
	}}
}

test_allow_other_warnings if {
	findings := policy.deny with input as _facts("unused")
	count(findings) == 0
}
