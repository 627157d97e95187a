package kguard.runtime.rules_malformed_test

import data.kguard.runtime.rules_malformed as policy

_map := {"kind": "ConfigMap", "namespace": "falco", "name": "falco-rules"}

_facts(level, about) := {"problems": [{
	"ref": _map,
	"file": "local.yaml",
	"level": level,
	"code": "LOAD_ERR_YAML_VALIDATE",
	"about": about,
	"message": "Item has no mapping for key 'desc'",
	"item": "rule a",
	"because": [],
}]}

test_deny_it if {
	findings := policy.deny with input as _facts("error", "structure")
	findings == {{
		"target": _map,
		"path": "LOAD_ERR_YAML_VALIDATE/rule a",
		"message": sprintf("Falco does not start: an item of %s has the wrong shape: %s", ["local.yaml", "Item has no mapping for key 'desc'"]),
		"evidence": [],
	}}
}

test_allow_other_errors if {
	findings := policy.deny with input as _facts("error", "nothing")
	count(findings) == 0
}

test_allow_warning if {
	findings := policy.deny with input as _facts("warning", "structure")
	count(findings) == 0
}
