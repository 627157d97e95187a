# METADATA
# title: Falco refuses a condition and does not start
# description: |
#   The condition of a rule or macro cannot be parsed, names a field that nothing provides, or compares
#   a field with a value of the wrong kind. Falco does not start.
# scope: package
# related_resources:
#   - https://falco.org/docs/concepts/rules/conditions/
# schemas:
#   - input: schema.runtime
# custom:
#   severity: critical
#   layer: runtime
#   kind: effect
#   subjects: problems
#   no_remedy: "only its author knows what the condition should match"
#   controls: [SOC2-CC7.2, ATTACK-T1562]
#   since: "0.1"
package kguard.runtime.condition_refused

deny contains finding if {
	some problem in input.problems
	problem.level == "error"
	problem.about == "condition"
	finding := {
		"target": problem.ref,
		"path": sprintf("%s/%s", [problem.code, problem.item]),
		"message": sprintf("Falco does not start: it refuses a condition in %s: %s", [problem.file, problem.message]),
		"evidence": problem.because,
	}
}
