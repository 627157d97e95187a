package kguard.mtls.strict_under_disable_test

import data.kguard.mtls.strict_under_disable as policy

_facts(change) := {"workloads": [object.union(
	{
		"ref": {"kind": "Deployment", "name": "redis"},
		"plane": "sidecar",
		"inherited": "disable",
		"modes": [{"ports": ["6379"], "effective": "strict", "because": []}],
	},
	change,
)]}

test_deny_strict_under_disable if {
	findings := policy.deny with input as _facts({})
	findings == {{
		"target": {"kind": "Deployment", "name": "redis"},
		"path": "",
		"message": "redis is STRICT on port 6379 under DISABLE: sidecars send plaintext and are refused",
		"evidence": [],
	}}
}

test_allow_other_parents if {
	every mode in {"strict", "permissive"} {
		findings := policy.deny with input as _facts({"inherited": mode})
		count(findings) == 0
	}
}
