package kguard.runtime.rules_not_as_written_test

import data.kguard.runtime.rules_not_as_written as policy

_file(state, pod) := {"loaded_files": [{
	"installation": {"apiVersion": "apps/v1", "kind": "DaemonSet", "namespace": "falco", "name": "falco", "cluster": ""},
	"pod": pod,
	"file": "falco_rules.yaml",
	"state": state,
	"because": [{"note": "n"}],
}]}

test_deny_another_file if {
	some finding in policy.deny with input as _file("differs", "falco-x")
	finding.message == "Falco in the pod falco-x has loaded another falco_rules.yaml than the one that is written"
	finding.path == "falco-x/falco_rules.yaml"
}

test_deny_a_file_that_is_not_loaded if {
	some finding in policy.deny with input as _file("not_loaded", "")
	finding.message == "the running Falco has not loaded falco_rules.yaml"
	finding.path == "running/falco_rules.yaml"
}

test_allow_the_same_file if {
	count(policy.deny) == 0 with input as _file("same", "falco-x")
}

test_allow_a_file_of_unknown_bytes if {
	count(policy.deny) == 0 with input as _file("unknown", "falco-x")
}
