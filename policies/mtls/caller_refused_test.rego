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
	changes := [{"verdict": "works"}, {"verdict": "unknown"}]
	every change in changes {
		findings := policy.deny with input as _facts(change)
		count(findings) == 0
	}
}

test_deny_clients_from_outside_and_probes if {
	message := {
		"outside": "Service edge leads clients without mesh identity to payments:8443, and the port is STRICT: they are refused",
		"ingress": "Service edge leads clients without mesh identity to payments:8443, and the port is STRICT: they are refused",
		"scrape": "Service edge has payments:8443 scraped by a Prometheus without mesh identity, and the port is STRICT: it is refused",
		"kubelet": "the kubelet probes payments:8443 without mesh identity, and the port is STRICT: it is refused",
	}
	every kind, text in message {
		findings := policy.deny with input as _facts({"kind": kind, "ref": {"kind": "Service", "name": "edge"}})
		{found.message | some found in findings} == {text}
	}
}
