# METADATA
# title: Rules use what a later Falco drops
# description: |
#   A key, field or form of the rules is deprecated. The release that drops it will refuse the file or
#   read it otherwise, as 0.44 did with gRPC and the legacy probe.
# scope: package
# related_resources:
#   - https://falco.org/docs/concepts/rules/versioning/
# schemas:
#   - input: schema.runtime
# custom:
#   severity: low
#   layer: runtime
#   kind: effect
#   subjects: problems
#   no_remedy: "only its author knows what should stand in its place"
#   controls: [SOC2-CC7.2]
#   since: "0.1"
package kguard.runtime.rules_deprecated

deny contains finding if {
	some problem in input.problems
	problem.about == "deprecated"
	finding := {
		"target": problem.ref,
		"path": sprintf("%s/%s/%s", [problem.code, problem.item, problem.message]),
		"message": sprintf("%s: %s uses what a later Falco drops: %s", [problem.file, _what(problem), problem.message]),
		"evidence": problem.because,
	}
}

_what(problem) := problem.item if problem.item != ""

else := "the file"
