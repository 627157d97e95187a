# METADATA
# title: An item of a rules file has the wrong shape
# description: |
#   A required key is missing, a value has the wrong type, an override names a key that is not there.
#   One such item keeps Falco from starting: its pods crash in a loop and no node is watched.
# scope: package
# related_resources:
#   - https://falco.org/docs/concepts/rules/basic-elements/
# schemas:
#   - input: schema.runtime
# custom:
#   severity: critical
#   layer: runtime
#   kind: effect
#   subjects: problems
#   no_remedy: "only its author knows what the item should say"
#   controls: [SOC2-CC7.2, ATTACK-T1562]
#   since: "0.1"
package kguard.runtime.rules_malformed

deny contains finding if {
	some problem in input.problems
	problem.level == "error"
	problem.about == "structure"
	finding := {
		"target": problem.ref,
		"path": sprintf("%s/%s", [problem.code, problem.item]),
		"message": sprintf("Falco does not start: an item of %s has the wrong shape: %s", [problem.file, problem.message]),
		"evidence": problem.because,
	}
}
