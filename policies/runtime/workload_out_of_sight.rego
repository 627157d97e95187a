# METADATA
# title: Falco cannot see into a workload
# description: |
#   Pods in a sandbox with a kernel of its own (gVisor, Kata Containers) make their system calls
#   there, not on the node. Falco's drivers see nothing of them, and since 0.44 its gVisor engine is
#   gone.
# scope: package
# related_resources:
#   - https://kubernetes.io/docs/concepts/containers/runtime-class/
# schemas:
#   - input: schema.runtime
# custom:
#   severity: medium
#   layer: runtime
#   kind: effect
#   subjects: blind_spots
#   no_remedy: "the sandbox protects the node by itself; what happens inside needs its own means"
#   controls: [SOC2-CC7.2]
#   since: "0.1"
package kguard.runtime.workload_out_of_sight

deny contains finding if {
	some spot in input.blind_spots
	finding := {
		"target": spot.ref,
		"path": spot.runtime_class,
		"message": sprintf("Falco sees nothing of what happens in %s: it runs under %s", [
			spot.ref.name, spot.runtime_class,
		]),
		"evidence": spot.because,
	}
}
