# METADATA
# title: Falco runs without a single rule in force
# description: |
#   With no rules file, or with every rule switched off, Falco is up and healthy and sees nothing.
#   The operator reads only the folder that Rulesfile objects fill.
# scope: package
# related_resources:
#   - https://github.com/falcosecurity/falco-operator
# schemas:
#   - input: schema.runtime
# custom:
#   severity: critical
#   layer: runtime
#   kind: effect
#   subjects: installations
#   remedy: add_rules
#   controls: [SOC2-CC7.2, ATTACK-T1562]
#   since: "0.1"
package kguard.runtime.no_rules

deny contains finding if {
	some falco in input.installations
	falco.rules == "empty"
	finding := {
		"target": falco.ref,
		"path": "",
		"message": sprintf("%s runs with no rule in force (%d loaded)%s: it sees nothing", [
			falco.ref.name, falco.loaded, _where(falco),
		]),
		"evidence": array.concat(falco.because, falco.reasons),
	}
}

_where(falco) := "" if count(falco.nodes) == 0

else := sprintf(" on %s", [concat(", ", array.slice(falco.nodes, 0, 3))])
