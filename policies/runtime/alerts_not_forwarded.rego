# METADATA
# title: Alerts of some rules are not sent on
# description: |
#   Falcosidekick sends an alert on only where an output takes its priority (`minimumpriority`).
#   Rules in force whose priority no output takes raise alerts that nobody gets to see.
# scope: package
# related_resources:
#   - https://github.com/falcosecurity/falcosidekick#configuration
# schemas:
#   - input: schema.runtime
# custom:
#   severity: medium
#   layer: runtime
#   kind: effect
#   subjects: installations
#   no_remedy: "which alerts somebody wants to get is the choice of who gets them: lower minimumpriority of one output"
#   controls: [SOC2-CC7.2, ATTACK-T1562]
#   since: "0.1"
package kguard.runtime.alerts_not_forwarded

deny contains finding if {
	some falco in input.installations
	count(falco.unheard) > 0
	finding := {
		"target": falco.ref,
		"path": "",
		"message": sprintf("alerts of %s reach nobody: no output takes their priority", [_rules(falco.unheard)]),
		"evidence": falco.delivery,
	}
}

_rules(names) := sprintf("the rule %s", [names[0]]) if count(names) == 1

else := sprintf("%d rules (%s)", [count(names), concat(", ", array.slice(names, 0, 3))])
