package kguard.mtls.port_exception_test

import data.kguard.mtls.port_exception as policy

_group := {
	"ports": ["8080", "other"],
	"protocol": "TCP",
	"listener": "seen",
	"intended": "permissive",
	"effective": "permissive",
	"decided_at": "namespace",
	"decided_by": "PeerAuthentication shop/old",
	"gap": "none",
	"caller": "any",
	"divergence": "none",
	"exemption": "none",
	"until": "",
	"because": [],
}

_facts(scope, change) := {
	"scope": scope,
	"workloads": [{
		"ref": {"kind": "Deployment", "name": "redis"},
		"role": "application",
		"plane": "sidecar",
		"intended": "strict",
		"modes": [object.union(_group, change)],
	}],
}

_exception := {
	"ports": ["8443"],
	"decided_at": "port",
	"decided_by": "PeerAuthentication shop/redis",
}

test_deny_exempted_port if {
	findings := policy.deny with input as _facts("app", _exception)
	findings == {{
		"target": {"kind": "Deployment", "name": "redis"},
		"path": "port/8443",
		"message": "redis:8443 accepts plaintext: PeerAuthentication shop/redis exempts the port, although the workload is STRICT",
		"evidence": [],
		"severity": "high",
	}}
}

test_allow_webhook_of_the_api_server if {
	findings := policy.deny with input as _facts("app", object.union(_exception, {"caller": "apiserver"}))
	count(findings) == 0
}

test_allow_strict_port if {
	findings := policy.deny with input as _facts("app", object.union(_exception, {"effective": "strict"}))
	count(findings) == 0
}

test_allow_port_that_nobody_listens_on if {
	findings := policy.deny with input as _facts("app", object.union(_exception, {"listener": "not_seen"}))
	count(findings) == 0
}

test_deny_documented_exemption_weighs_less if {
	change := object.union(_exception, {"exemption": "documented", "until": "2027-01-31"})
	findings := policy.deny with input as _facts("app", change)
	{[found.severity, found.message] | some found in findings} == {[
		"low",
		"redis:8443 accepts plaintext: PeerAuthentication shop/redis exempts the port, although the workload is STRICT, with a reason until 2027-01-31",
	]}
}

test_deny_expired_exemption if {
	change := object.union(_exception, {"exemption": "expired", "until": "2026-01-31"})
	findings := policy.deny with input as _facts("app", change)
	{[found.severity, found.message] | some found in findings} == {[
		"high",
		"redis:8443 accepts plaintext: PeerAuthentication shop/redis exempts the port, although the workload is STRICT; the exception ended on 2026-01-31",
	]}
}
