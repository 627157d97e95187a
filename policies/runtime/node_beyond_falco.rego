# METADATA
# title: Workloads run on a node that no Falco can watch
# description: |
#   Falco reads system calls from the kernel of a Linux node. On virtual nodes (virtual-kubelet,
#   Fargate), on Windows and on architectures without a driver there is nothing to read: what runs
#   there is out of sight, however Falco is installed.
# scope: package
# related_resources:
#   - https://falco.org/docs/concepts/event-sources/kernel/
# schemas:
#   - input: schema.runtime
# custom:
#   severity: medium
#   layer: runtime
#   kind: effect
#   subjects: nodes
#   no_remedy: "move the workloads to Linux nodes, or watch them with the means of that platform"
#   controls: [SOC2-CC7.2, ATTACK-T1562]
#   since: "0.1"
package kguard.runtime.node_beyond_falco

deny contains finding if {
	some node in input.nodes
	node.state == "unwatchable"
	names := sort({name | some name in array.concat(node.only_here, node.runs_here)})
	count(names) > 0
	finding := {
		"target": node.ref,
		"path": "",
		"message": sprintf("no Falco can watch %s (%s): %s", [
			node.ref.name, node.detail, concat(", ", array.slice(names, 0, 3)),
		]),
		"evidence": node.because,
	}
}
