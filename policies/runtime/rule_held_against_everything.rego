# METADATA
# title: A rule is held against every event
# description: |
#   The condition names no type of event, or more than a hundred: Falco evaluates it for everything that
#   happens on the node. Under load it falls behind and drops events, also those of other rules.
# scope: package
# related_resources:
#   - https://falco.org/docs/concepts/rules/style-guide/
# schemas:
#   - input: schema.runtime
# custom:
#   severity: low
#   layer: runtime
#   kind: effect
#   subjects: problems
#   no_remedy: "only its author knows which events the rule is about"
#   controls: [SOC2-CC7.2]
#   since: "0.1"
package kguard.runtime.rule_held_against_everything

deny contains finding if {
	some problem in input.problems
	problem.about == "slow"
	finding := {
		"target": problem.ref,
		"path": sprintf("%s/%s/%s", [problem.code, problem.item, problem.message]),
		"message": sprintf("%s: %s is held against every event of the node", [problem.file, _what(problem)]),
		"evidence": problem.because,
	}
}

_what(problem) := problem.item if problem.item != ""

else := "the file"
