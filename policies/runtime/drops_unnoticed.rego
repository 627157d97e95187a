# METADATA
# title: Nobody would learn that Falco misses events
# description: |
#   When the kernel's buffer is full, system calls are lost, and an attacker can fill it on purpose.
#   Falco can raise an alert (`syscall_event_drops.actions: [alert]`), serve metrics, or end; a line
#   in its own log is heard by nobody, and an alert of the priority Debug by no output that wants
#   graver ones.
# scope: package
# related_resources:
#   - https://falco.org/docs/troubleshooting/dropping/
# schemas:
#   - input: schema.runtime
# custom:
#   severity: medium
#   layer: runtime
#   kind: effect
#   subjects: installations
#   remedy: notice_drops
#   controls: [SOC2-CC7.2, ATTACK-T1562]
#   since: "0.1"
package kguard.runtime.drops_unnoticed

_words := {
	"hidden": "its alert about it is not grave enough for any output",
	"logged": "it only writes a line into its own log",
	"ignored": "it does nothing then",
}

deny contains finding if {
	some falco in input.installations
	falco.drops in object.keys(_words)
	finding := {
		"target": falco.ref,
		"path": "",
		"message": sprintf("nobody would learn that %s misses events: %s", [falco.ref.name, _words[falco.drops]]),
		"evidence": falco.drops_because,
	}
}

unknown contains finding if {
	some falco in input.installations
	falco.drops == "unknown"
	finding := {
		"target": falco.ref,
		"path": "",
		"message": sprintf("cannot tell whether anyone would learn that %s misses events", [falco.ref.name]),
		"evidence": array.concat(falco.because, [{"note": "its configuration is not in the input"}]),
	}
}
