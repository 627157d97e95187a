# METADATA
# title: A rule admits the internet to a port that nothing publishes
# description: |
#   A policy lets addresses outside the cluster in at a port that no LoadBalancer, NodePort, host
#   port, Ingress or gateway offers to clients outside. Wherever pod addresses are routed, in a
#   flat cloud network for instance, everyone there can open it.
# scope: package
# related_resources:
#   - https://kubernetes.io/docs/concepts/services-networking/network-policies/
# schemas:
#   - input: schema.network
# custom:
#   severity: high
#   layer: network
#   kind: effect
#   subjects: workloads
#   remedy: isolate_ingress
#   controls: [CIS-5.3.2, SOC2-CC6.6, ATTACK-M1030]
#   since: "0.1"
package kguard.network.open_to_internet

deny contains finding if {
	some workload in input.workloads
	workload.ingress.isolation in {"partial", "open"}
	workload.ingress.cluster.reach in {"nothing", "unknown"}
	ports := _open(workload)
	count(ports) > 0
	finding := {
		"target": workload.ref,
		"path": "",
		"message": sprintf("addresses outside the cluster are admitted to %s at %s, which nothing publishes", [
			workload.ref.name,
			concat(", ", ports),
		]),
		"evidence": workload.ingress.because,
	}
}

_open(workload) := [port | some port in workload.serves; not port in workload.published] if {
	workload.ingress.internet.reach == "everything"
}

_open(workload) := [port | some port in workload.ingress.internet.ports; not port in workload.published] if {
	workload.ingress.internet.reach == "ports"
}
