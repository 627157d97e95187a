# METADATA
# title: The network plugin enforces no NetworkPolicy
# description: |
#   The namespace has NetworkPolicies, but the network plugin of the cluster does not implement
#   them: every pod can open every port of every other, whatever they say.
# scope: package
# related_resources:
#   - https://kubernetes.io/docs/concepts/services-networking/network-policies/
# schemas:
#   - input: schema.network
# custom:
#   severity: critical
#   layer: network
#   kind: effect
#   subjects: namespaces
#   no_remedy: "a plugin that enforces policies (Calico, Cilium, Antrea, kube-network-policies beside the present one) must be installed"
#   controls: [CIS-5.3.1, ATTACK-M1030]
#   since: "0.1"
package kguard.network.not_enforced

deny contains finding if {
	input.plugin.enforces == "false"
	some namespace in input.namespaces
	namespace.policies > 0
	finding := {
		"target": namespace.ref,
		"path": "",
		"message": sprintf("the %s no effect: the network plugin (%s) enforces none", [
			_policies(namespace),
			input.plugin.name,
		]),
		"evidence": input.plugin.because,
	}
}

_policies(namespace) := sprintf("NetworkPolicy of namespace %s has", [namespace.ref.name]) if {
	namespace.policies == 1
}

_policies(namespace) := sprintf("%d NetworkPolicies of namespace %s have", [
	namespace.policies,
	namespace.ref.name,
]) if {
	namespace.policies != 1
}
