package kguard.mtls.caller_refused_test

import data.kguard.mtls.caller_refused as policy

_facts(change) := {"callers": [object.union(
	{
		"kind": "workload",
		"ref": {"kind": "CronJob", "name": "export"},
		"target": {"kind": "Deployment", "namespace": "shop", "name": "payments"},
		"port": "8443",
		"identity": "none",
		"verdict": "refused",
		"because": [],
	},
	change,
)]}

test_deny_refused_workload if {
	findings := policy.deny with input as _facts({})
	findings == {{
		"target": {"kind": "CronJob", "name": "export"},
		"path": "shop/payments/8443",
		"message": "export calls payments:8443 without mesh identity, and the port is STRICT: it is refused",
		"evidence": [],
	}}
}

test_allow_others if {
	changes := [{"verdict": "works"}, {"verdict": "unknown"}, {"kind": "ingress"}]
	every change in changes {
		findings := policy.deny with input as _facts(change)
		count(findings) == 0
	}
}
