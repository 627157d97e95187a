# METADATA
# title: An exception adds nothing
# description: |
#   An exception is appended without values, or two of one rule have the same name. Whoever wrote it
#   believes something is excepted that is not.
# scope: package
# related_resources:
#   - https://falco.org/docs/concepts/rules/exceptions/
# schemas:
#   - input: schema.runtime
# custom:
#   severity: low
#   layer: runtime
#   kind: effect
#   subjects: problems
#   no_remedy: "only its author knows what should be excepted"
#   controls: [SOC2-CC7.2]
#   since: "0.1"
package kguard.runtime.exception_without_effect

deny contains finding if {
	some problem in input.problems
	problem.about == "no_effect"
	finding := {
		"target": problem.ref,
		"path": sprintf("%s/%s/%s", [problem.code, problem.item, problem.message]),
		"message": sprintf("%s: an exception of %s has no effect: %s", [problem.file, _what(problem), problem.message]),
		"evidence": problem.because,
	}
}

_what(problem) := problem.item if problem.item != ""

else := "the file"
