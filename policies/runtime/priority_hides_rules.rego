# METADATA
# title: The minimum priority hides rules
# description: |
#   Falco leaves out every rule below the configured priority when it loads them. Upstream's rule
#   for a shell in a container, for one, is a Notice.
# scope: package
# related_resources:
#   - https://falco.org/docs/reference/daemon/config-options/
# schemas:
#   - input: schema.runtime
# custom:
#   severity: medium
#   layer: runtime
#   kind: effect
#   subjects: rules
#   remedy: lower_priority
#   controls: [SOC2-CC7.2, ATTACK-T1562]
#   since: "0.1"
package kguard.runtime.priority_hides_rules

deny contains finding if {
	some loss in input.losses
	loss.effect == "hidden"
	finding := {
		"target": loss.ref,
		"path": "priority",
		"message": sprintf("the minimum priority %s leaves out %d of %d rules: %s", [
			loss.name, count(loss.rules), loss.of, concat(", ", array.slice(loss.rules, 0, 5)),
		]),
		"evidence": loss.because,
	}
}
