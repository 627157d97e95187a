# METADATA
# title: Nobody hears Falco's alerts
# description: |
#   Alerts that end in the log or the file system of Falco's own pod are gone with it, and nobody is
#   told while the attack runs. An output has to take them out of the pod: HTTP to Falcosidekick, a
#   program, or a collector that reads the pod's log.
# scope: package
# related_resources:
#   - https://falco.org/docs/concepts/outputs/
# schemas:
#   - input: schema.runtime
# custom:
#   severity: high
#   layer: runtime
#   kind: effect
#   subjects: installations
#   remedy: send_alerts
#   controls: [SOC2-CC7.2, ATTACK-T1562]
#   since: "0.1"
package kguard.runtime.alerts_reach_nobody

deny contains finding if {
	some falco in input.installations
	falco.delivered == "false"
	finding := _finding(falco, sprintf("alerts of %s reach nobody: %s", [falco.ref.name, _last(falco)]))
}

unknown contains finding if {
	some falco in input.installations
	falco.delivered == "unknown"
	finding := _finding(falco, sprintf("cannot tell whether alerts of %s reach anyone: %s", [falco.ref.name, _last(falco)]))
}

_last(falco) := falco.delivery[count(falco.delivery) - 1].note

_finding(falco, message) := {
	"target": falco.ref,
	"path": "",
	"message": message,
	"evidence": falco.delivery,
}
