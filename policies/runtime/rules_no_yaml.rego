# METADATA
# title: Falco cannot read a rules file at all
# description: |
#   The file is no YAML: Falco stops before the first rule and does not start. Its pods crash in a
#   loop and no node is watched.
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
#   no_remedy: "only its author knows what the file should say"
#   controls: [SOC2-CC7.2, ATTACK-T1562]
#   since: "0.1"
package kguard.runtime.rules_no_yaml

deny contains finding if {
	some problem in input.problems
	problem.level == "error"
	problem.about == "yaml"
	finding := {
		"target": problem.ref,
		"path": "",
		"message": sprintf("Falco does not start: %s is no YAML: %s", [problem.file, problem.message]),
		"evidence": problem.because,
	}
}
