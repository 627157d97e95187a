# METADATA
# title: The name of a macro or list breaks the rules
# description: |
#   Falco takes the name with a warning; a condition that uses it may be read otherwise than it looks.
# scope: package
# related_resources:
#   - https://falco.org/docs/concepts/rules/basic-elements/
# schemas:
#   - input: schema.runtime
# custom:
#   severity: low
#   layer: runtime
#   kind: effect
#   subjects: problems
#   no_remedy: "only its author knows who refers to the name"
#   controls: [SOC2-CC7.2]
#   since: "0.1"
package kguard.runtime.definition_name_invalid

deny contains finding if {
	some problem in input.problems
	problem.about == "name"
	finding := {
		"target": problem.ref,
		"path": sprintf("%s/%s/%s", [problem.code, problem.item, problem.message]),
		"message": sprintf("%s: the name of %s breaks the rules", [problem.file, _what(problem)]),
		"evidence": problem.because,
	}
}

_what(problem) := problem.item if problem.item != ""

else := "the file"
