package kguard.runtime.engine_too_old_test

import data.kguard.runtime.engine_too_old as policy

_map := {"kind": "ConfigMap", "namespace": "falco", "name": "falco-rules"}

_facts(level, about) := {"problems": [{
	"ref": _map,
	"file": "local.yaml",
	"level": level,
	"code": "LOAD_ERR_VALIDATE",
	"about": about,
	"message": "Rules require engine version 0.62.0, but engine version is 0.58.0",
	"item": "rule a",
	"because": [],
}]}

test_deny_it if {
	findings := policy.deny with input as _facts("error", "engine")
	findings == {{
		"target": _map,
		"path": "Rules require engine version 0.62.0, but engine version is 0.58.0",
		"message": sprintf("Falco does not start with %s: %s", ["local.yaml", "Rules require engine version 0.62.0, but engine version is 0.58.0"]),
		"evidence": [],
	}}
}

test_allow_other_errors if {
	findings := policy.deny with input as _facts("error", "nothing")
	count(findings) == 0
}

test_allow_warning if {
	findings := policy.deny with input as _facts("warning", "engine")
	count(findings) == 0
}
