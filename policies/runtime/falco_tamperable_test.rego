package kguard.runtime.falco_tamperable_test

import data.kguard.runtime.falco_tamperable as policy

_binding := {"kind": "ClusterRoleBinding", "name": "devs"}

_entry(kind, name, more) := object.union(
	{
		"installation": {"kind": "DaemonSet", "namespace": "falco", "name": "falco"},
		"ref": _binding,
		"subject": name,
		"subject_kind": kind,
		"total": false,
		"means": ["workload", "taints"],
		"guarded": false,
		"because": [{"note": "binds"}],
	},
	more,
)

_facts(entry) := {
	"tampering": [entry],
	"params": {"runtime/falco-tamperable": {"trusted": ["gitops"]}},
}

test_deny if {
	findings := policy.deny with input as _facts(_entry("Group", "devs", {}))
	findings == {{
		"target": _binding,
		"path": "falco/devs",
		"message": "devs may tamper with falco: change or delete its workload, taint nodes that it then leaves",
		"evidence": [{"note": "binds"}],
		"severity": "medium",
	}}
}

test_everybody_is_critical if {
	some finding in policy.deny with input as _facts(_entry("Group", "system:authenticated", {"total": true}))
	finding.severity == "critical"
}

test_allow_administrators_and_the_trusted if {
	every entry in [_entry("User", "admin", {"total": true}), _entry("User", "gitops", {})] {
		count(policy.deny) == 0 with input as _facts(entry)
		count(policy.unknown) == 0 with input as _facts(entry)
	}
}

test_deny_a_service_account_with_every_right if {
	entry := _entry("ServiceAccount", "system:serviceaccount:ci:robot", {"total": true})
	count(policy.deny) == 1 with input as _facts(entry)
}

test_unknown_where_admission_is_asked if {
	some finding in policy.unknown with input as _facts(_entry("Group", "devs", {"guarded": true}))
	endswith(finding.message, ", unless admission refuses it")
	count(policy.deny) == 0 with input as _facts(_entry("Group", "devs", {"guarded": true}))
}
