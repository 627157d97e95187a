package kguard.runtime.output_refused_test

import data.kguard.runtime.output_refused as policy

_map := {"kind": "ConfigMap", "namespace": "falco", "name": "falco-rules"}

_facts(level, about) := {"problems": [{
	"ref": _map,
	"file": "local.yaml",
	"level": level,
	"code": "LOAD_ERR_COMPILE_OUTPUT",
	"about": about,
	"message": "invalid formatting token foo.bar",
	"item": "rule a",
	"because": [],
}]}

test_deny_it if {
	findings := policy.deny with input as _facts("error", "output")
	findings == {{
		"target": _map,
		"path": "LOAD_ERR_COMPILE_OUTPUT/rule a",
		"message": sprintf("Falco does not start: it refuses an output in %s: %s", ["local.yaml", "invalid formatting token foo.bar"]),
		"evidence": [],
	}}
}

test_allow_other_errors if {
	findings := policy.deny with input as _facts("error", "nothing")
	count(findings) == 0
}

test_allow_warning if {
	findings := policy.deny with input as _facts("warning", "output")
	count(findings) == 0
}
