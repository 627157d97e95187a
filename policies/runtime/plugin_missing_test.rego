package kguard.runtime.plugin_missing_test

import data.kguard.runtime.plugin_missing as policy

_map := {"kind": "ConfigMap", "namespace": "falco", "name": "falco-rules"}

_facts(level, about) := {"problems": [{
	"ref": _map,
	"file": "local.yaml",
	"level": level,
	"code": "",
	"about": about,
	"message": "Plugin requirement not satisfied, must load one of: k8saudit (>= 0.18.0)",
	"item": "rule a",
	"because": [],
}]}

test_deny_it if {
	findings := policy.deny with input as _facts("error", "plugin")
	findings == {{
		"target": _map,
		"path": "Plugin requirement not satisfied, must load one of: k8saudit (>= 0.18.0)",
		"message": sprintf("Falco does not start with %s: %s", ["local.yaml", "Plugin requirement not satisfied, must load one of: k8saudit (>= 0.18.0)"]),
		"evidence": [],
	}}
}

test_allow_other_errors if {
	findings := policy.deny with input as _facts("error", "nothing")
	count(findings) == 0
}

test_allow_warning if {
	findings := policy.deny with input as _facts("warning", "plugin")
	count(findings) == 0
}
