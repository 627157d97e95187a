package kguard.runtime.no_falco_test

import data.kguard.runtime.no_falco as policy

_facts(scope, presence) := {
	"scope": scope,
	"presence": presence,
	"subject": {"kind": "Namespace", "name": "falco"},
}

test_deny_cluster_without_falco if {
	findings := policy.deny with input as _facts("cluster", "absent")
	findings == {{
		"target": {"kind": "Namespace", "name": "falco"},
		"path": "",
		"message": "no Falco in the input: nobody sees what processes do on the nodes",
		"evidence": [{"note": "looked for workloads with Falco's image, objects of its operator, falco.yaml and rules"}],
	}}
}

test_allow_application_and_presence if {
	every facts in [_facts("app", "absent"), _facts("cluster", "present"), _facts("cluster", "unknown")] {
		findings := policy.deny with input as facts
		count(findings) == 0
	}
}
