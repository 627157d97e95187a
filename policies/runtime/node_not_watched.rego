# METADATA
# title: A node runs without Falco
# description: |
#   A node whose taint Falco does not tolerate, or which its selectors leave out, gets no Falco pod.
#   The DaemonSet's own status does not show it: such nodes are not among the desired ones. Every
#   node of the input is placed as the DaemonSet controller would place it; a kernel that is too old
#   for Falco's driver leaves a pod that sees nothing. In a live cluster its pod must also be ready.
# scope: package
# related_resources:
#   - https://kubernetes.io/docs/concepts/workloads/controllers/daemonset/#taints-and-tolerations
# schemas:
#   - input: schema.runtime
# custom:
#   severity: high
#   layer: runtime
#   kind: effect
#   subjects: nodes
#   remedy: tolerate_taints
#   controls: [SOC2-CC7.2, ATTACK-T1562]
#   since: "0.1"
package kguard.runtime.node_not_watched

deny contains finding if {
	some node in input.nodes
	node.state == "unwatched"
	finding := {
		"target": node.ref,
		"path": node.obstacle,
		"message": sprintf("%s runs no Falco: %s%s", [node.ref.name, _reason(node), _affected(node)]),
		"evidence": node.because,
	}
}

unknown contains finding if {
	some node in input.nodes
	node.state == "unknown"
	finding := {
		"target": node.ref,
		"path": node.obstacle,
		"message": sprintf("cannot tell whether Falco works on %s: %s%s", [node.ref.name, node.detail, _affected(node)]),
		"evidence": node.because,
	}
}

unknown contains finding if {
	input.scope == "cluster"
	count(input.nodes) == 0
	some falco in input.installations
	falco.kind in {"daemonset", "operator", "values"}
	falco.reach == "unknown"
	finding := {
		"target": falco.ref,
		"path": "",
		"message": sprintf("%s may miss nodes: it does not tolerate every taint", [falco.ref.name]),
		"evidence": array.concat(falco.because, [{"note": "no Node object is in the input"}]),
	}
}

_reason(node) := sprintf("%s does not tolerate its taint %s", [node.installation.name, node.detail]) if {
	node.obstacle == "taint"
} else := node.detail if {
	node.obstacle in {"kernel", "no_daemonset", "not_running"}
} else := sprintf("%s asks for %s", [node.installation.name, node.detail])

_affected(node) := sprintf("; %s can run nowhere else", [_few(node.only_here)]) if {
	count(node.only_here) > 0
} else := sprintf("; %s runs there", [_few(node.runs_here)]) if {
	count(node.runs_here) > 0
} else := ""

_few(names) := concat(", ", array.slice(names, 0, 3))
