# METADATA
# title: A change takes much of a rule away
# description: |
#   The rule can still fire, so nothing looks wrong, but a change leaves out more than one program:
#   a whole namespace, every image of a registry, a user, or everything but what it names. Or an
#   attack of the baseline that the rule saw is no longer seen, or its alert became less urgent.
#   Exceptions are meant to name an image and a program.
# scope: package
# related_resources:
#   - https://falco.org/docs/concepts/rules/exceptions/
# schemas:
#   - input: schema.runtime
# custom:
#   severity: medium
#   layer: runtime
#   kind: effect
#   subjects: weakened
#   remedy: restore_rules
#   controls: [SOC2-CC7.2, ATTACK-T1562]
#   since: "0.1"
#   params:
#     wide: {type: array, default: [pattern, namespace, registry, user, circumstance, all_but, everything]}
package kguard.runtime.rule_weakened

deny contains finding if {
	some one in input.weakened
	one.effect == "narrowed"
	_matters(one)
	finding := {
		"target": one.ref,
		"path": _path(one),
		"message": sprintf("the %s %s keeps %s from seeing %s%s", [
			one.cause, one.name, _named(one.rules), _what(one), _lost(one.detections),
		]),
		"severity": _severity(one.detections),
		"evidence": one.because,
	}
}

deny contains finding if {
	some one in input.weakened
	one.effect == "demoted"
	finding := {
		"target": one.ref,
		"path": _path(one),
		"message": sprintf("the %s %s makes %s less urgent", [one.cause, one.name, _named(one.rules)]),
		"evidence": one.because,
	}
}

unknown contains finding if {
	some one in input.weakened
	_is_unclear(one)
	finding := {
		"target": one.ref,
		"path": _path(one),
		"message": sprintf("cannot tell how much the %s %s takes away", [one.cause, one.name]),
		"evidence": one.because,
	}
}

_is_unclear(one) if one.effect == "unknown"

_is_unclear(one) if {
	one.effect == "narrowed"
	one.breadth == "unknown"
	count(one.detections) == 0
}

_matters(one) if one.breadth in input.params["runtime/rule-weakened"].wide

_matters(one) if count(one.detections) > 0

_path(one) := sprintf("%s/%s/%s/%s", [one.cause, one.name, one.effect, one.breadth])

_severity([]) := "medium"

_severity(lost) := "high" if count(lost) > 0

_lost([]) := ""

_lost(lost) := sprintf(": the attacks %s are no longer seen by it", [concat(", ", lost)]) if count(lost) > 0

_what(one) := sprintf("what meets %s", [concat(" or ", [sprintf("`%s`", [text]) | some text in one.excluded])]) if {
	count(one.excluded) > 0
} else := "all that it saw"

_named(rules) := concat(", ", rules) if count(rules) <= 3

else := sprintf("%s and %d more rules", [concat(", ", array.slice(rules, 0, 3)), count(rules) - 3])
