# METADATA
# title: A change makes rules impossible to match
# description: |
#   Falco loads such rules without a warning and lists them as enabled, but no event whatsoever can
#   meet their condition: a macro was overridden with something that is never true, a list was
#   emptied, or a contradiction was appended. The rules could match without this one item.
# scope: package
# related_resources:
#   - https://falco.org/docs/concepts/rules/overriding/
# schemas:
#   - input: schema.runtime
# custom:
#   severity: critical
#   layer: runtime
#   kind: effect
#   subjects: rules
#   remedy: restore_rules
#   controls: [SOC2-CC7.2, ATTACK-T1562]
#   since: "0.1"
package kguard.runtime.rules_cannot_fire

deny contains finding if {
	some loss in input.losses
	loss.effect == "dead"
	not loss.cause in {"itself", "volume"}
	finding := {
		"target": loss.ref,
		"path": sprintf("%s/%s", [loss.cause, loss.name]),
		"message": _message(loss),
		"evidence": loss.because,
	}
}

_message(loss) := sprintf("base_syscalls silences %d of %d rules (%s): %s", [
	count(loss.rules), loss.of, _named(loss.rules), loss.explanation,
]) if {
	loss.cause == "syscalls"
} else := sprintf("the %s %s silences every rule of Falco that needs it: %s", [
	loss.cause, loss.name, loss.explanation,
]) if {
	loss.of == 0
} else := sprintf("the %s %s silences %d of %d rules (%s): %s", [
	loss.cause, loss.name, count(loss.rules), loss.of, _named(loss.rules), loss.explanation,
])

_named(rules) := concat(", ", rules) if count(rules) <= 3

else := sprintf("%s and %d more", [concat(", ", array.slice(rules, 0, 3)), count(rules) - 3])
