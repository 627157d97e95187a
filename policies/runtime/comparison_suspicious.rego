# METADATA
# title: A comparison means something else than it says
# description: |
#   A field is compared with `<NA>` (which never equals anything, because a missing field makes every
#   comparison false), or with the name of another field, which counts as plain text.
# scope: package
# related_resources:
#   - https://falco.org/docs/concepts/rules/conditions/
# schemas:
#   - input: schema.runtime
# custom:
#   severity: medium
#   layer: runtime
#   kind: effect
#   subjects: problems
#   no_remedy: "only its author knows what was meant"
#   controls: [SOC2-CC7.2]
#   since: "0.1"
package kguard.runtime.comparison_suspicious

deny contains finding if {
	some problem in input.problems
	problem.about == "suspicious"
	finding := {
		"target": problem.ref,
		"path": sprintf("%s/%s/%s", [problem.code, problem.item, problem.message]),
		"message": sprintf("%s: a comparison of %s means something else than it says: %s", [problem.file, _what(problem), problem.message]),
		"evidence": problem.because,
	}
}

_what(problem) := problem.item if problem.item != ""

else := "the file"
