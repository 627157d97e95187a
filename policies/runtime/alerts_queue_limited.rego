# METADATA
# title: Alerts are dropped when their takers are slow
# description: |
#   Alerts wait in a queue for the outputs. With `outputs_queue.capacity` above 0 it has an end, and
#   an alert that finds it full is dropped: whoever floods Falco with harmless alerts hides the one
#   that matters. 0 stands for no end but memory.
# scope: package
# related_resources:
#   - https://falco.org/docs/concepts/outputs/
# schemas:
#   - input: schema.runtime
# custom:
#   severity: low
#   layer: runtime
#   kind: effect
#   subjects: installations
#   no_remedy: "how much memory alerts may take is for the operator to say; measure outputs_queue_num_drops"
#   controls: [SOC2-CC7.2, ATTACK-T1562]
#   since: "0.1"
package kguard.runtime.alerts_queue_limited

deny contains finding if {
	some falco in input.installations
	falco.queue > 0
	finding := {
		"target": falco.ref,
		"path": "outputs_queue",
		"message": sprintf("%s drops alerts beyond the %d that wait for its outputs", [falco.ref.name, falco.queue]),
		"evidence": falco.because,
	}
}
