# METADATA
# title: Any pod in the cluster can open a workload
# description: |
#   Every pod of every namespace, one that an attacker got hold of as well, can open connections
#   to the ports that this workload serves: no policy isolates it, or a rule admits everyone.
#   Ports that are published on purpose (LoadBalancer, NodePort, Ingress, gateway) do not count.
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
package kguard.network.open_to_cluster

deny contains finding if {
	some workload in input.workloads
	workload.host_network == false
	ports := _open(workload)
	count(ports) > 0
	finding := {
		"target": workload.ref,
		"path": "",
		"message": sprintf("any pod in the cluster can open %s", [_named(workload, ports)]),
		"evidence": workload.ingress.because,
	}
}

unknown contains finding if {
	some workload in input.workloads
	workload.ingress.isolation == "unknown"
	workload.doubt in {"other_policies", "not_read", "labels"}
	count(workload.serves) > 0
	finding := {
		"target": workload.ref,
		"path": "",
		"message": sprintf("who can open %s is not known: %s", [
			workload.ref.name,
			concat(", ", workload.doubt_about),
		]),
		"evidence": workload.ingress.because,
	}
}

_open(workload) := [port | some port in workload.serves; not port in workload.published] if {
	workload.ingress.cluster.reach == "everything"
}

_open(workload) := [port | some port in workload.ingress.cluster.ports; not port in workload.published] if {
	workload.ingress.cluster.reach == "ports"
}

_named(workload, ports) := sprintf("%s:%s", [workload.ref.name, _short(ports[0])]) if count(ports) == 1

_named(workload, ports) := sprintf("%s at ports %s", [workload.ref.name, concat(", ", short)]) if {
	count(ports) > 1
	short := [_short(port) | some port in ports]
}

_short(port) := trim_suffix(port, "/TCP")
