package kguard.runtime.rules_no_yaml_test

import data.kguard.runtime.rules_no_yaml as policy

_map := {"kind": "ConfigMap", "namespace": "falco", "name": "falco-rules"}

_facts(level, about) := {"problems": [{
	"ref": _map,
	"file": "local.yaml",
	"level": level,
	"code": "LOAD_ERR_YAML_PARSE",
	"about": about,
	"message": "Rules content is not yaml",
	"item": "rule a",
	"because": [],
}]}

test_deny_it if {
	findings := policy.deny with input as _facts("error", "yaml")
	findings == {{
		"target": _map,
		"path": "",
		"message": sprintf("Falco does not start: %s is no YAML: %s", ["local.yaml", "Rules content is not yaml"]),
		"evidence": [],
	}}
}

test_allow_other_errors if {
	findings := policy.deny with input as _facts("error", "nothing")
	count(findings) == 0
}

test_allow_warning if {
	findings := policy.deny with input as _facts("warning", "yaml")
	count(findings) == 0
}
