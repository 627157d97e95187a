# METADATA
# title: Rules are switched off
# description: |
#   An override, or the selection in falco.yaml or on the command line, disables rules that the
#   files enable. What they would have seen goes unnoticed.
# scope: package
# related_resources:
#   - https://falco.org/docs/concepts/rules/controlling-rules/
# schemas:
#   - input: schema.runtime
# custom:
#   severity: medium
#   layer: runtime
#   kind: effect
#   subjects: rules
#   remedy: restore_rules
#   controls: [SOC2-CC7.2, ATTACK-T1562]
#   since: "0.1"
package kguard.runtime.rules_switched_off

deny contains finding if {
	some loss in input.losses
	loss.effect == "disabled"
	finding := {
		"target": loss.ref,
		"path": sprintf("%s/%s", [loss.cause, loss.name]),
		"message": _message(loss),
		"evidence": loss.because,
	}
}

_message(loss) := sprintf("the rule %s is switched off", [loss.name]) if {
	loss.of == 0
} else := sprintf("%d of %d rules are switched off: %s", [
	count(loss.rules), loss.of, concat(", ", array.slice(loss.rules, 0, 5)),
])
