package kguard.runtime.rules_inconsistent_test

import data.kguard.runtime.rules_inconsistent as policy

_map := {"kind": "ConfigMap", "namespace": "falco", "name": "falco-rules"}

_facts(level, about) := {"problems": [{
	"ref": _map,
	"file": "local.yaml",
	"level": level,
	"code": "LOAD_ERR_VALIDATE",
	"about": about,
	"message": "Undefined macro 'x' used in filter.",
	"item": "rule a",
	"because": [],
}]}

test_deny_it if {
	findings := policy.deny with input as _facts("error", "definition")
	findings == {{
		"target": _map,
		"path": "LOAD_ERR_VALIDATE/rule a",
		"message": sprintf("Falco does not start: definitions of %s do not fit together: %s", ["local.yaml", "Undefined macro 'x' used in filter."]),
		"evidence": [],
	}}
}

test_allow_other_errors if {
	findings := policy.deny with input as _facts("error", "nothing")
	count(findings) == 0
}

test_allow_warning if {
	findings := policy.deny with input as _facts("warning", "definition")
	count(findings) == 0
}
