package kguard.mtls.certificate_expiring_test

import data.kguard.mtls.certificate_expiring as policy

_facts(days) := {
	"params": {"mtls/certificate-expiring": {"min_days": 30}},
	"expiries": [{
		"ref": {"kind": "ConfigMap", "name": "istio-ca-root-cert"},
		"name": "root-cert.pem",
		"ends": "2026-12-01",
		"days": days,
		"because": [],
	}],
}

test_deny_soon if {
	findings := policy.deny with input as _facts(8)
	findings == {{
		"target": {"kind": "ConfigMap", "name": "istio-ca-root-cert"},
		"path": "root-cert.pem",
		"message": "root-cert.pem expires on 2026-12-01: the mesh stops to authenticate then",
		"evidence": [],
	}}
}

test_deny_past if {
	findings := policy.deny with input as _facts(-8)
	{finding.message | some finding in findings} == {"root-cert.pem expired on 2026-12-01: the mesh stops to authenticate then"}
}

test_allow_later if {
	findings := policy.deny with input as _facts(30)
	count(findings) == 0
}
