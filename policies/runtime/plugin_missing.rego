# METADATA
# title: Rules need a plugin that Falco does not load
# description: |
#   A rules file asks for a plugin and `load_plugins` of falco.yaml has none of its alternatives. Falco
#   does not start.
# scope: package
# related_resources:
#   - https://falco.org/docs/concepts/plugins/usage/
# schemas:
#   - input: schema.runtime
# custom:
#   severity: critical
#   layer: runtime
#   kind: effect
#   subjects: problems
#   no_remedy: "load the plugin (its library must be there), or take the rules file out"
#   controls: [SOC2-CC7.2, ATTACK-T1562]
#   since: "0.1"
package kguard.runtime.plugin_missing

deny contains finding if {
	some problem in input.problems
	problem.level == "error"
	problem.about == "plugin"
	finding := {
		"target": problem.ref,
		"path": problem.message,
		"message": sprintf("Falco does not start with %s: %s", [problem.file, problem.message]),
		"evidence": problem.because,
	}
}
