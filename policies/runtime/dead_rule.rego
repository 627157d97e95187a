# METADATA
# title: A rule can never match
# description: |
#   The condition of the rule contradicts itself as it was written, often because a list or a macro
#   that every user is meant to fill is still empty; or it is about system calls such as read and
#   write that Falco leaves out by itself. The rule looks enabled and never raises an alert.
# scope: package
# related_resources:
#   - https://falco.org/docs/concepts/rules/conditions/
# schemas:
#   - input: schema.runtime
# custom:
#   severity: low
#   layer: runtime
#   kind: effect
#   subjects: rules
#   no_remedy: "only its author knows what the rule was meant to match"
#   controls: [SOC2-CC7.2]
#   since: "0.1"
package kguard.runtime.dead_rule

deny contains finding if {
	some loss in input.losses
	loss.effect == "dead"
	loss.cause in {"itself", "volume"}
	finding := {
		"target": loss.ref,
		"path": loss.name,
		"message": sprintf("the rule %s can never match: %s", [loss.name, loss.explanation]),
		"evidence": loss.because,
	}
}
