# METADATA
# title: Falco refuses the rules and does not start
# description: |
#   One error in one rules file keeps Falco from starting: its pods crash in a loop and no node is
#   watched. The message is the engine's own.
# scope: package
# related_resources:
#   - https://falco.org/docs/concepts/rules/
# schemas:
#   - input: schema.runtime
# custom:
#   severity: critical
#   layer: runtime
#   kind: effect
#   subjects: problems
#   no_remedy: "only its author knows what the file should say"
#   controls: [SOC2-CC7.2, ATTACK-T1562]
#   since: "0.1"
package kguard.runtime.rules_refused

deny contains finding if {
	some problem in input.problems
	problem.level == "error"
	finding := {
		"target": problem.ref,
		"path": sprintf("%s/%s", [problem.code, problem.item]),
		"message": sprintf("Falco does not start with %s: %s", [problem.file, problem.message]),
		"evidence": problem.because,
	}
}
