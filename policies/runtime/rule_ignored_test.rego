package kguard.runtime.rule_ignored_test

import data.kguard.runtime.rule_ignored as policy

_map := {"kind": "ConfigMap", "namespace": "falco", "name": "falco-rules"}

_facts(about, code, item) := {"problems": [{
	"ref": _map,
	"file": "rules.yaml",
	"level": "warning",
	"code": code,
	"about": about,
	"message": "Unknown key 'enable'. The key will be ignored.",
	"item": item,
	"because": [],
}]}

test_deny_unknown_key if {
	findings := policy.deny with input as _facts("ignored", "LOAD_UNKNOWN_KEY", "rule a")
	findings == {{
		"target": _map,
		"path": "LOAD_UNKNOWN_KEY/rule a/Unknown key 'enable'. The key will be ignored.",
		"message": "rules.yaml: Falco ignores a part of rule a: Unknown key 'enable'. The key will be ignored.",
		"evidence": [],
	}}
}

test_deny_item_without_name if {
	findings := policy.deny with input as _facts("ignored", "LOAD_UNKNOWN_ITEM", "")
	every finding in findings {
		startswith(finding.message, "rules.yaml: Falco ignores a part of the file")
	}
	count(findings) == 1
}

test_allow_other_warnings_and_errors if {
	every facts in [_facts("slow", "LOAD_NO_EVTTYPE", "rule a"), _facts("structure", "LOAD_ERR_YAML_VALIDATE", "rule a")] {
		findings := policy.deny with input as facts
		count(findings) == 0
	}
}
