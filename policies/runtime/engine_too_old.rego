# METADATA
# title: Rules need a newer Falco than the one that loads them
# description: |
#   A rules file asks for a newer rules engine. It happens when falcoctl follows a floating tag of the
#   rules while Falco itself stays behind. Falco does not start.
# scope: package
# related_resources:
#   - https://falco.org/docs/concepts/rules/versioning/
# schemas:
#   - input: schema.runtime
# custom:
#   severity: critical
#   layer: runtime
#   kind: effect
#   subjects: problems
#   no_remedy: "raise the version of Falco, or pin the rules to a release that it can load"
#   controls: [SOC2-CC7.2, ATTACK-T1562]
#   since: "0.1"
package kguard.runtime.engine_too_old

deny contains finding if {
	some problem in input.problems
	problem.level == "error"
	problem.about == "engine"
	finding := {
		"target": problem.ref,
		"path": problem.message,
		"message": sprintf("Falco does not start with %s: %s", [problem.file, problem.message]),
		"evidence": problem.because,
	}
}
