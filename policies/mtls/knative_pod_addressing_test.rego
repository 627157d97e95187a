package kguard.mtls.knative_pod_addressing_test

import data.kguard.mtls.knative_pod_addressing as policy

_facts(change) := {"knative": [object.union(
	{
		"ref": {"kind": "ConfigMap", "name": "config-network"},
		"key": "mesh-compatibility-mode",
		"kind": "pod_addressing",
		"value": "disabled",
		"strict": ["hello"],
		"because": [],
	},
	change,
)]}

test_deny_addressing_of_strict_pods if {
	findings := policy.deny with input as _facts({})
	findings == {{
		"target": {"kind": "ConfigMap", "name": "config-network"},
		"path": "mesh-compatibility-mode",
		"message": "mesh-compatibility-mode: disabled cuts the activator off from hello, which is STRICT",
		"evidence": [],
	}}
}

test_allow_others if {
	every change in [{"value": "auto"}, {"value": "enabled"}, {"strict": []}, {"kind": "server_tls"}] {
		findings := policy.deny with input as _facts(change)
		count(findings) == 0
	}
}
