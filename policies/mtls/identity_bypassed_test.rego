package kguard.mtls.identity_bypassed_test

import data.kguard.mtls.identity_bypassed as policy

_facts(action, uses, unproven) := {"authorization": [{
	"ref": {"kind": "AuthorizationPolicy", "name": "no-guests"},
	"action": action,
	"uses": uses,
	"unproven": unproven,
	"because": [],
}]}

test_deny_denial_by_name if {
	findings := policy.deny with input as _facts("deny", "positive", ["redis"])
	findings == {{
		"target": {"kind": "AuthorizationPolicy", "name": "no-guests"},
		"path": "",
		"message": "AuthorizationPolicy no-guests is evaded by plaintext: redis accepts callers without identity",
		"evidence": [],
	}}
}

test_deny_exception_by_name if {
	findings := policy.deny with input as _facts("allow", "negative", ["redis"])
	count(findings) == 1
}

test_allow_what_plaintext_cannot_evade if {
	every case in [["allow", "positive"], ["deny", "negative"], ["other", "positive"]] {
		findings := policy.deny with input as _facts(case[0], case[1], ["redis"])
		count(findings) == 0
	}
}

test_allow_strict_workloads if {
	findings := policy.deny with input as _facts("deny", "positive", [])
	count(findings) == 0
}
