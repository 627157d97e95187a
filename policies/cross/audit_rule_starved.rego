# METADATA
# title: Falco rule about audit events can never fire
# description: |
#   A rule with the source k8s_audit sees what the API server writes to the audit log. Where the audit
#   policy records the requests that the rule is about at too low a level, leaves out the stage that it
#   reads, or drops them, the rule loads, is enabled, and stays silent whatever happens.
# scope: package
# schemas:
#   - input: schema.cross
# related_resources:
#   - https://falco.org/docs/plugins/kubernetes-audit/
#   - https://kubernetes.io/docs/tasks/debug/debug-cluster/audit/
# custom:
#   severity: high
#   layer: cross
#   kind: effect
#   subjects: audit_rules
#   no_remedy: the audit policy must record more, or the rule is given up; `kguard fix` raises the floors of the audit layer
#   controls: [CIS-3.2.2, ATTACK-T1562]
#   since: "0.1"
package kguard.cross.audit_rule_starved

deny contains finding if {
	some rule in input.audit_rules
	rule.state == "starved"
	finding := {
		"target": rule.ref,
		"path": rule.rule,
		"message": sprintf("the rule %s can never fire: %s", [rule.rule, _lack(rule)]),
		"evidence": rule.because,
	}
}

unknown contains finding if {
	some rule in input.audit_rules
	rule.state == "unknown"
	finding := {
		"target": rule.ref,
		"path": rule.rule,
		"message": sprintf("whether the rule %s can fire is not known: audit policy %s is too complex", [rule.rule, rule.policy]),
		"evidence": rule.because,
	}
}

_lack(rule) := sprintf("audit policy %s records nothing of %s at %s", [
	rule.policy,
	rule.about,
	concat(" or ", rule.stages),
]) if {
	rule.finds == "None"
}

_lack(rule) := sprintf("it needs %s at the level %s, audit policy %s records no more than %s", [
	rule.about,
	rule.needs,
	rule.policy,
	rule.finds,
]) if {
	rule.finds != "None"
}
