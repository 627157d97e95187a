package kguard.mtls.certificate_expiring_test

import data.kguard.mtls.certificate_expiring as policy

_facts(days) := {
	"params": {"mtls/certificate-expiring": {"min_days": 30}},
	"expiries": [{
		"ref": {"kind": "ConfigMap", "name": "istio-ca-root-cert"},
		"name": "root-cert.pem",
		"ends": "2026-12-01",
		"days": days,
		"renewal": "not_seen",
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

test_allow_what_will_be_renewed_before if {
	facts := json.patch(_facts(3), [{"op": "replace", "path": "/expiries/0/renewal", "value": "planned"}])
	findings := policy.deny with input as facts
	count(findings) == 0
}

test_deny_a_plan_that_failed if {
	facts := json.patch(_facts(-1), [
		{"op": "replace", "path": "/expiries/0/renewal", "value": "planned"},
		{"op": "replace", "path": "/expiries/0/ref", "value": {"kind": "Certificate", "name": "edge"}},
	])
	messages := {found.message | some found in policy.deny} with input as facts
	messages == {"root-cert.pem expired on 2026-12-01: whoever relies on it fails then"}
}
