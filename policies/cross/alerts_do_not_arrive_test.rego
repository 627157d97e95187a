package kguard.cross.alerts_do_not_arrive_test

import data.kguard.cross.alerts_do_not_arrive as policy

_ref := {"apiVersion": "apps/v1", "kind": "DaemonSet", "namespace": "falco", "name": "falco"}

_way(state) := {
	"ref": _ref,
	"sender": _ref,
	"receiver": {"apiVersion": "apps/v1", "kind": "Deployment", "namespace": "ops", "name": "sidekick"},
	"port": 2801,
	"state": state,
	"because": [],
}

_finding(message) := {
	"target": _ref,
	"path": "ops/sidekick:2801",
	"message": sprintf("alerts of falco do not reach sidekick:2801: %s", [message]),
	"evidence": [],
}

test_deny_a_blocked_way if {
	expected := {_finding("policies block the connection")}
	policy.deny == expected with input as {"deliveries": [_way("blocked")]}
}

test_deny_a_refused_connection if {
	expected := {_finding("it takes mutual TLS only, and falco has no proxy")}
	policy.deny == expected with input as {"deliveries": [_way("refused")]}
}

test_allow_what_arrives_or_is_not_known if {
	policy.deny == set() with input as {"deliveries": [_way("arrives"), _way("unknown")]}
}

test_deny_the_second_part_of_a_way if {
	sender := {"apiVersion": "apps/v1", "kind": "Deployment", "namespace": "ops", "name": "sidekick"}
	way := object.union(_way("refused"), {"sender": sender})
	expected := "alerts of falco do not reach sidekick:2801 over sidekick: it takes mutual TLS only, and sidekick has no proxy"
	some finding in policy.deny with input as {"deliveries": [way]}
	finding.message == expected
}
