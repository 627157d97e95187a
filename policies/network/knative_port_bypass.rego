# METADATA
# title: Pods can go past the queue-proxy of a Knative Service
# description: |
#   The container of the user listens beside the queue-proxy. A rule that admits pods of the
#   namespace to its port lets them skip the limits, metrics and checks of the queue-proxy;
#   requests of Knative come to 8012, 8013 or 8112 only.
# scope: package
# related_resources:
#   - https://github.com/knative/serving/issues/6520
#   - https://kubernetes.io/docs/concepts/services-networking/network-policies/
# schemas:
#   - input: schema.network
# custom:
#   severity: medium
#   layer: network
#   kind: effect
#   subjects: workloads
#   no_remedy: "which of the admitted pods need the port of the user container, if any, no manifest tells"
#   controls: [ATTACK-M1030]
#   since: "0.1"
package kguard.network.knative_port_bypass

deny contains finding if {
	some workload in input.workloads
	workload.knative == "serving"
	workload.ingress.isolation == "partial"
	workload.ingress.cluster.reach != "everything"
	some port in workload.user_ports
	_admitted(workload.ingress.namespace, port)
	finding := {
		"target": workload.ref,
		"path": port,
		"message": sprintf("any pod of namespace %s can open %s:%s past the queue-proxy", [
			workload.ref.namespace,
			workload.ref.name,
			trim_suffix(port, "/TCP"),
		]),
		"evidence": workload.ingress.because,
	}
}

_admitted(namespace, _) if namespace.reach == "everything"

_admitted(namespace, port) if port in namespace.ports
