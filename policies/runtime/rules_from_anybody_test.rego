package kguard.runtime.rules_from_anybody_test

import data.kguard.runtime.rules_from_anybody as policy

_falco := {"kind": "DaemonSet", "namespace": "falco", "name": "falco"}

_facts(careless) := {"artifacts": [{
	"installation": _falco,
	"reference": "falco-rules:5",
	"fetch": "follow",
	"moving": false,
	"careless": careless,
	"because": [{"note": "falcoctl"}],
}]}

test_deny_what_anybody_can_swap if {
	findings := policy.deny with input as _facts(["plain_http", "no_signature"])
	findings == {{
		"target": _falco,
		"path": "follow/falco-rules:5",
		"message": "falco fetches falco-rules:5 over plain HTTP and without a look at its signature",
		"evidence": [{"note": "falcoctl"}],
	}}
}

test_deny_any_certificate if {
	some finding in policy.deny with input as _facts(["any_certificate"])
	finding.message == "falco fetches falco-rules:5 from whatever certificate answers"
}

test_allow_careful_fetching if {
	count(policy.deny) == 0 with input as _facts([])
}
