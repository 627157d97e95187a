# METADATA
# title: Pods on the network of their node escape NetworkPolicies
# description: |
#   With hostNetwork a pod has the address of its node; the API does not define what policies do
#   to it, and most network plugins do not apply them at all, neither to what it opens nor to who
#   opens it.
# scope: package
# related_resources:
#   - https://kubernetes.io/docs/concepts/services-networking/network-policies/
# schemas:
#   - input: schema.network
# custom:
#   severity: low
#   layer: network
#   kind: effect
#   subjects: workloads
#   no_remedy: "whether the pod needs the network of its node is a matter of what it does"
#   controls: [ATTACK-M1030]
#   since: "0.1"
package kguard.network.host_network

deny contains finding if {
	some workload in input.workloads
	workload.host_network == true
	finding := {
		"target": workload.ref,
		"path": "",
		"message": sprintf("%s runs on the network of its node, where NetworkPolicies do not hold", [workload.ref.name]),
		"evidence": workload.ingress.because,
	}
}
