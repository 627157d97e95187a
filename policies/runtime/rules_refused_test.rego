package kguard.runtime.rules_refused_test

import data.kguard.runtime.rules_refused as policy

_map := {"kind": "ConfigMap", "namespace": "falco", "name": "falco-rules"}

_facts(level) := {"problems": [{
	"ref": _map,
	"file": "falco/falco-rules:local.yaml",
	"level": level,
	"code": "LOAD_ERR_VALIDATE",
	"message": "Undefined macro 'x' used in filter.",
	"item": "rule a",
	"because": [],
}]}

test_deny_error if {
	findings := policy.deny with input as _facts("error")
	findings == {{
		"target": _map,
		"path": "LOAD_ERR_VALIDATE/rule a",
		"message": "Falco does not start with falco/falco-rules:local.yaml: Undefined macro 'x' used in filter.",
		"evidence": [],
	}}
}

test_allow_warning if {
	findings := policy.deny with input as _facts("warning")
	count(findings) == 0
}
