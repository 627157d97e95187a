# METADATA
# title: Falco ignores part of a rules file
# description: |
#   A key that Falco does not know is ignored (`enable: false` leaves the rule on), and so are items
#   of an unknown kind and rules for events of a plugin that is not loaded. Falco starts and says so
#   only in its log.
# scope: package
# related_resources:
#   - https://falco.org/docs/concepts/rules/basic-elements/
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
package kguard.runtime.rule_ignored

deny contains finding if {
	some problem in input.problems
	problem.about == "ignored"
	finding := {
		"target": problem.ref,
		"path": sprintf("%s/%s/%s", [problem.code, problem.item, problem.message]),
		"message": sprintf("%s: Falco ignores a part of %s: %s", [problem.file, _what(problem), problem.message]),
		"evidence": problem.because,
	}
}

_what(problem) := problem.item if problem.item != ""

else := "the file"
