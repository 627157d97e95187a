package kguard.mtls.events_plaintext_test

import data.kguard.mtls.events_plaintext as policy

_facts(transport) := {"events": [{
	"ref": {"kind": "KafkaSource", "name": "orders"},
	"brokers": "kafka.example.com:9092",
	"transport": transport,
	"because": [],
}]}

test_deny_plaintext if {
	findings := policy.deny with input as _facts("plaintext")
	findings == {{
		"target": {"kind": "KafkaSource", "name": "orders"},
		"path": "spec.net.tls",
		"message": "orders reads events from kafka.example.com:9092 in plaintext",
		"evidence": [],
	}}
}

test_allow_tls if {
	findings := policy.deny with input as _facts("tls")
	findings == set()
}
