package kguard.mtls.knative_event_transport_test

import data.kguard.mtls.knative_event_transport as policy

_facts(change) := {"knative": [object.union(
	{
		"ref": {"kind": "ConfigMap", "name": "config-features"},
		"key": "transport-encryption",
		"kind": "event_transport",
		"value": "disabled",
		"dispatchers": "outside",
		"plaintext": [],
		"because": [],
	},
	change,
)]}

test_deny_neither_tls_nor_mesh if {
	findings := policy.deny with input as _facts({})
	findings == {{
		"target": {"kind": "ConfigMap", "name": "config-features"},
		"path": "transport-encryption",
		"message": "transport-encryption is disabled and brokers and channels have no proxy: events can be sent in plaintext",
		"evidence": [],
	}}
}

test_deny_plain_subscribers_under_strict if {
	findings := policy.deny with input as _facts({"value": "strict", "plaintext": ["Trigger shop/paid"]})
	{found.message | some found in findings} == {"transport-encryption is strict for what brokers accept only: Trigger shop/paid gets events in plaintext"}
}

test_allow_strict_or_mesh if {
	every change in [{"value": "strict"}, {"dispatchers": "mesh"}] {
		findings := policy.deny with input as _facts(change)
		count(findings) == 0
	}
}

test_unknown_without_the_pods_of_eventing if {
	findings := policy.unknown with input as _facts({"dispatchers": "unknown"})
	findings == {{
		"target": {"kind": "ConfigMap", "name": "config-features"},
		"path": "transport-encryption",
		"message": "transport-encryption is disabled, and whether the pods of brokers and channels are in a mesh cannot be told",
		"evidence": [],
	}}
}
