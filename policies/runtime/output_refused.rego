# METADATA
# title: Falco refuses an output and does not start
# description: |
#   The output of a rule names a field that nothing provides. Falco does not start because of it, though
#   no alert was ever raised.
# scope: package
# related_resources:
#   - https://falco.org/docs/concepts/outputs/formatting/
# schemas:
#   - input: schema.runtime
# custom:
#   severity: critical
#   layer: runtime
#   kind: effect
#   subjects: problems
#   no_remedy: "only its author knows what the output should tell"
#   controls: [SOC2-CC7.2, ATTACK-T1562]
#   since: "0.1"
package kguard.runtime.output_refused

deny contains finding if {
	some problem in input.problems
	problem.level == "error"
	problem.about == "output"
	finding := {
		"target": problem.ref,
		"path": sprintf("%s/%s", [problem.code, problem.item]),
		"message": sprintf("Falco does not start: it refuses an output in %s: %s", [problem.file, problem.message]),
		"evidence": problem.because,
	}
}
