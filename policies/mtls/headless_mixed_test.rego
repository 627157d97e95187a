package kguard.mtls.headless_mixed_test

import data.kguard.mtls.headless_mixed as policy

_facts(strict) := {"headless": [{
	"ref": {"kind": "Service", "name": "db"},
	"without": ["db-old"],
	"strict": strict,
	"because": [],
}]}

test_deny_mixed_service if {
	findings := policy.deny with input as _facts([])
	findings == {{
		"target": {"kind": "Service", "name": "db"},
		"path": "",
		"message": "clients of db send plaintext to all pods: db-old has no sidecar",
		"evidence": [],
		"severity": "medium",
	}}
}

test_deny_strict_pods_weigh_more if {
	findings := policy.deny with input as _facts(["db"])
	{[finding.severity, finding.message] | some finding in findings} == {[
		"high",
		"clients of db send plaintext to all pods: db-old has no sidecar; db is STRICT and refuses them",
	]}
}

test_allow_no_such_service if {
	findings := policy.deny with input as {"headless": []}
	count(findings) == 0
}
