package kguard.network.policy_selects_nothing_test

import data.kguard.network.policy_selects_nothing as policy

_policy := {
	"ref": {"kind": "NetworkPolicy", "namespace": "shop", "name": "web"}, "said": "NetworkPolicy shop/web",
	"state": "in_force",
	"selects": 1,
	"named": true,
	"near": "",
	"dangling": [],
	"unresolved": [],
	"idle": [],
	"problems": [],
	"because": [],
}

_facts(scope, change) := {"scope": scope, "policies": [object.union(_policy, change)]}

_defect := {"path": "x", "text": "what it is", "because": []}

_messages(scope, change) := {[finding.message, finding.severity] | some finding in findings} if {
	findings := policy.deny with input as _facts(scope, change)
}

test_deny_selects_nothing if {
	_messages("cluster", {"selects": 0}) == {["NetworkPolicy shop/web protects nothing: no workload has these labels", "medium"]}
	_messages("app", {"selects": 0}) == {["NetworkPolicy shop/web protects nothing: no workload has these labels", "low"]}
}

test_deny_slip_of_the_pen if {
	_messages("app", {"selects": 0, "near": "web has app=web, not wep"}) == {["NetworkPolicy shop/web protects nothing: no workload has these labels (web has app=web, not wep)", "high"]}
}

test_allow_selects if {
	_messages("app", {}) == set()
}

test_allow_every_pod if {
	_messages("app", {"selects": 0, "named": false}) == set()
}
