# METADATA
# title: Falco has missed events
# description: |
#   A running Falco counts the system calls that the kernel's buffer lost and the alerts that its
#   queue lost, and raises an alert of its own when it can. What happened in that time nobody knows:
#   no alert is then no evidence of anything.
# scope: package
# related_resources:
#   - https://falco.org/docs/troubleshooting/dropping/
# schemas:
#   - input: schema.runtime
# custom:
#   severity: medium
#   layer: runtime
#   kind: effect
#   subjects: drops
#   no_remedy: "buffers must grow (engine.*.buf_size_preset), or fewer events be asked for; what was lost stays lost"
#   controls: [SOC2-CC7.2, ATTACK-T1562]
#   since: "0.1"
package kguard.runtime.events_dropped

_words := {
	"events": "has missed system calls since it started",
	"alerts": "has dropped alerts since it started",
}

_rule := "Falco internal: syscall event drop"

deny contains finding if {
	some drop in input.drops
	finding := {
		"target": drop.installation,
		"path": sprintf("%s/%s", [_pod(drop), drop.what]),
		"message": sprintf("%s %s", [_who(drop), _words[drop.what]]),
		"evidence": drop.because,
	}
}

deny contains finding if {
	some entry in input.alerts
	entry.rule == _rule
	finding := {
		"target": entry.ref,
		"path": "",
		"message": "a Falco has raised an alert that it missed system calls",
		"evidence": entry.because,
	}
}

_pod(drop) := "running" if drop.pod == ""

else := drop.pod

_who(drop) := "the running Falco" if drop.pod == ""

else := sprintf("Falco in the pod %s", [drop.pod])
