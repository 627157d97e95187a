# METADATA
# title: Definitions of rules do not fit together
# description: |
#   A macro is not defined where it is used, or leads back to itself; an override is for something that
#   does not exist (a rule of another release, say); an exception's fields and values do not match.
#   Falco does not start.
# scope: package
# related_resources:
#   - https://falco.org/docs/concepts/rules/overriding/
# schemas:
#   - input: schema.runtime
# custom:
#   severity: critical
#   layer: runtime
#   kind: effect
#   subjects: problems
#   no_remedy: "only its author knows what was meant"
#   controls: [SOC2-CC7.2, ATTACK-T1562]
#   since: "0.1"
package kguard.runtime.rules_inconsistent

deny contains finding if {
	some problem in input.problems
	problem.level == "error"
	problem.about == "definition"
	finding := {
		"target": problem.ref,
		"path": sprintf("%s/%s", [problem.code, problem.item]),
		"message": sprintf("Falco does not start: definitions of %s do not fit together: %s", [problem.file, problem.message]),
		"evidence": problem.because,
	}
}
