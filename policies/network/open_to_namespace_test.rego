package kguard.network.open_to_namespace_test

import data.kguard.network.open_to_namespace as policy

_ref := {"kind": "Deployment", "namespace": "data", "name": "redis"}

_facts(ports, meant, published) := {"workloads": [{
	"ref": _ref,
	"published": published,
	"ingress": {"others": [{
		"who": "every pod of namespace web",
		"ports": ports,
		"meant": meant,
		"because": [{"ref": "a"}],
	}]},
}]}

test_deny_one_is_meant if {
	findings := policy.deny with input as _facts(["6379/TCP"], ["cart"], [])
	findings == {{
		"target": _ref,
		"path": "every pod of namespace web",
		"message": "every pod of namespace web can open redis:6379; cart is meant",
		"evidence": [{"ref": "a"}],
	}}
}

test_deny_nobody_is_meant if {
	findings := policy.deny with input as _facts(["6379/TCP", "53/UDP"], [], [])
	{finding.message | some finding in findings} == {"every pod of namespace web can open redis at ports 6379, 53/UDP; nothing in the input shows that one of them needs it"}
}

test_deny_several_are_meant if {
	findings := policy.deny with input as _facts(["6379/TCP"], ["cart", "stock"], [])
	{finding.message | some finding in findings} == {"every pod of namespace web can open redis:6379; cart, stock are meant"}
}

test_allow_published if {
	findings := policy.deny with input as _facts(["6379/TCP"], [], ["6379/TCP"])
	findings == set()
}

test_allow_nothing_opened if {
	findings := policy.deny with input as _facts([], [], [])
	findings == set()
}
