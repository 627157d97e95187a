package kguard.mtls.workload_outside_mesh_test

import data.kguard.mtls.workload_outside_mesh as policy

_facts(change) := {"workloads": [object.union(
	{
		"ref": {"kind": "Deployment", "name": "redis"},
		"role": "application",
		"plane": "none",
		"serves": "ports",
		"reason": "opted_out",
		"because": [],
	},
	change,
)]}

test_deny_workload_that_opts_out if {
	findings := policy.deny with input as _facts({})
	findings == {{
		"target": {"kind": "Deployment", "name": "redis"},
		"path": "opted_out",
		"message": "redis serves its ports without a proxy: it opts out of the mesh",
		"evidence": [],
	}}
}

test_deny_every_reason_of_its_own if {
	every reason in {"opted_out", "host_network", "no_webhook", "ambient_off", "not_restarted"} {
		findings := policy.deny with input as _facts({"reason": reason})
		count(findings) == 1
	}
}

test_allow_others if {
	changes := [{"plane": "sidecar"}, {"serves": "nothing"}, {"reason": "not_labelled"}, {"role": "system"}]
	every change in changes {
		findings := policy.deny with input as _facts(change)
		count(findings) == 0
	}
}
