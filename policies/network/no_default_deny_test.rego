package kguard.network.no_default_deny_test

import data.kguard.network.no_default_deny as policy

_facts(scope, deny) := {"scope": scope, "namespaces": [{
	"ref": {"kind": "Namespace", "name": "shop"},
	"workloads": 1,
	"policies": 0,
	"default_deny": deny,
	"because": [],
}]}

test_deny_open_namespace if {
	findings := policy.deny with input as _facts("cluster", "false")
	findings == {{
		"target": {"kind": "Namespace", "name": "shop"},
		"path": "",
		"message": "a new pod in namespace shop is open to the whole cluster: no policy isolates every pod",
		"evidence": [],
		"severity": "medium",
	}}
}

test_allow_default_deny if {
	findings := policy.deny with input as _facts("app", "true")
	findings == set()
}

test_unknown_not_read if {
	findings := policy.unknown with input as _facts("app", "unknown")
	count(findings) == 1
}
