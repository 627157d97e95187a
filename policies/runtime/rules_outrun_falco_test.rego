package kguard.runtime.rules_outrun_falco_test

import data.kguard.runtime.rules_outrun_falco as policy

_falco := {"kind": "DaemonSet", "namespace": "falco", "name": "falco"}

_facts(moving, fetch) := {"artifacts": [{
	"installation": _falco,
	"reference": "falco-rules:latest",
	"fetch": fetch,
	"moving": moving,
	"careless": [],
	"because": [{"note": "falcoctl"}],
}]}

test_deny_the_newest if {
	findings := policy.deny with input as _facts(true, "install")
	findings == {{
		"target": _falco,
		"path": "install/falco-rules:latest",
		"message": "falco takes whatever falco-rules:latest is newest, also one that its Falco cannot load",
		"evidence": [{"note": "falcoctl"}],
	}}
}

test_allow_a_version if {
	count(policy.deny) == 0 with input as _facts(false, "install")
}

test_allow_what_is_compared_first if {
	count(policy.deny) == 0 with input as _facts(true, "follow")
}
