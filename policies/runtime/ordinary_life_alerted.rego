# METADATA
# title: A rule raises alerts for what happens all the time
# description: |
#   A probe, a sidecar that starts, a program that calls another Service: a rule that fires for these
#   fires in every pod, and its alerts drown the others.
# scope: package
# related_resources:
#   - https://falco.org/docs/concepts/rules/exceptions/
# schemas:
#   - input: schema.runtime
# custom:
#   severity: low
#   layer: runtime
#   kind: effect
#   subjects: installations
#   no_remedy: "only its author knows what the rule was meant to match; an exception names a program"
#   controls: [SOC2-CC7.2]
#   since: "0.1"
package kguard.runtime.ordinary_life_alerted

deny contains finding if {
	some one in input.ordinary
	finding := {
		"target": one.installation,
		"path": one.id,
		"message": sprintf("the rule %s (%s) raises an alert for what happens all the time: %s", [
			one.rule, one.priority, one.title,
		]),
		"evidence": one.because,
	}
}
