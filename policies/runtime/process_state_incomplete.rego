# METADATA
# title: Falco cannot tell which process an event comes from
# description: |
#   `base_syscalls.custom_set` stands in place of the system calls by which Falco keeps its table of
#   processes, and `!name` takes calls out. Without those that start processes, names, parents and
#   containers of events are missing or wrong, and rules that ask for them do not match.
# scope: package
# related_resources:
#   - https://falco.org/docs/reference/daemon/config-options/
# schemas:
#   - input: schema.runtime
# custom:
#   severity: high
#   layer: runtime
#   kind: effect
#   subjects: installations
#   remedy: restore_rules
#   controls: [SOC2-CC7.2, ATTACK-T1562]
#   since: "0.1"
package kguard.runtime.process_state_incomplete

deny contains finding if {
	some falco in input.installations
	count(falco.lost_state) > 0
	finding := {
		"target": falco.ref,
		"path": "base_syscalls",
		"message": sprintf("%s does not follow %s: processes and containers of events will be wrong", [
			falco.ref.name, concat(", ", falco.lost_state),
		]),
		"evidence": array.concat(falco.because, falco.state_because),
	}
}
