package kguard.runtime.rule_held_against_everything_test

import data.kguard.runtime.rule_held_against_everything as policy

_map := {"kind": "ConfigMap", "namespace": "falco", "name": "falco-rules"}

_facts(about) := {"problems": [{
	"ref": _map,
	"file": "local.yaml",
	"level": "warning",
	"code": "LOAD_NO_EVTTYPE",
	"about": about,
	"message": "m",
	"item": "rule a",
	"because": [],
}]}

test_deny_it if {
	findings := policy.deny with input as _facts("slow")
	findings == {{
		"target": _map,
		"path": "LOAD_NO_EVTTYPE/rule a/m",
		"message": sprintf("%s: %s is held against every event of the node", ["local.yaml", "rule a"]),
		"evidence": [],
	}}
}

test_allow_other_warnings if {
	findings := policy.deny with input as _facts("unused")
	count(findings) == 0
}
