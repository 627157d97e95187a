package kguard.runtime.alerts_unprotected_test

import data.kguard.runtime.alerts_unprotected as policy

_falco := {"apiVersion": "apps/v1", "kind": "DaemonSet", "namespace": "falco", "name": "falco", "cluster": ""}

_facts(protection, inside, state) := {"routes": [{
	"installation": _falco,
	"output": "http",
	"destination": "http://siem.example.com",
	"state": state,
	"least_priority": "Debug",
	"protection": protection,
	"inside": inside,
	"because": [{"note": "the URL"}],
}]}

test_deny_plain_text if {
	findings := policy.deny with input as _facts("plain", false, "true")
	findings == {{
		"target": _falco,
		"path": "http://siem.example.com",
		"message": "alerts of falco go to http://siem.example.com in plain text",
		"evidence": [{"note": "the URL"}],
	}}
}

test_allow_plain_text_inside_the_cluster if {
	count(policy.deny) == 0 with input as _facts("plain", true, "unknown")
}

test_deny_certificates_that_nobody_checks if {
	some finding in policy.deny with input as _facts("unverified", false, "true")
	endswith(finding.message, "whoever answers there: its certificate is not checked")
}

test_allow_tls_and_local if {
	every protection in ["tls", "local"] {
		count(policy.deny) == 0 with input as _facts(protection, false, "true")
	}
}

test_allow_what_reaches_nobody_anyway if {
	count(policy.deny) == 0 with input as _facts("plain", false, "false")
}
