package kguard.cross.audit_rule_starved_test

import data.kguard.cross.audit_rule_starved as policy

_ref := {"apiVersion": "apps/v1", "kind": "Deployment", "namespace": "falco", "name": "falco"}

_rule(changes) := object.union(
	{
		"ref": _ref,
		"rule": "Privileged pod",
		"policy": "audit.yaml",
		"state": "fed",
		"needs": "Request",
		"finds": "Request",
		"stages": ["ResponseComplete"],
		"about": "create pods",
		"because": [],
	},
	changes,
)

_finding(message) := {"target": _ref, "path": "Privileged pod", "message": message, "evidence": []}

test_deny_a_level_that_is_too_low if {
	rule := _rule({"state": "starved", "finds": "Metadata"})
	policy.deny == {_finding(concat("", [
		"the rule Privileged pod can never fire: it needs create pods at the level Request, ",
		"audit policy audit.yaml records no more than Metadata",
	]))} with input as {"audit_rules": [rule]}
}

test_deny_what_is_not_recorded if {
	rule := _rule({"state": "starved", "finds": "None"})
	policy.deny == {_finding(concat("", [
		"the rule Privileged pod can never fire: ",
		"audit policy audit.yaml records nothing of create pods at ResponseComplete",
	]))} with input as {"audit_rules": [rule]}
}

test_unknown_policy if {
	rule := _rule({"state": "unknown", "finds": "unknown"})
	expected := {_finding(concat("", [
		"whether the rule Privileged pod can fire is not known: ",
		"audit policy audit.yaml is too complex",
	]))}
	policy.unknown == expected with input as {"audit_rules": [rule]}
	policy.deny == set() with input as {"audit_rules": [rule]}
}

test_allow_a_rule_that_is_fed if {
	policy.deny == set() with input as {"audit_rules": [_rule({})]}
	policy.unknown == set() with input as {"audit_rules": [_rule({})]}
}
