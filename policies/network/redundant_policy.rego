# METADATA
# title: A NetworkPolicy adds nothing
# description: |
#   Other policies isolate the same pods and admit all that this one admits. Who reads or changes it
#   believes that it matters; every such policy costs the network plugin rules on each node.
# scope: package
# related_resources:
#   - https://kubernetes.io/docs/concepts/services-networking/network-policies/
# schemas:
#   - input: schema.network
# custom:
#   severity: low
#   layer: network
#   kind: posture
#   subjects: policies
#   no_remedy: "which of the policies that say the same is the one to stay, only their owners know"
#   controls: [ATTACK-M1030]
#   since: "0.1"
package kguard.network.redundant_policy

deny contains finding if {
	some policy in input.policies
	count(policy.redundant) > 0
	finding := {
		"target": policy.ref,
		"path": "",
		"message": sprintf("without %s everything stays as it is", [
			policy.said,
		]),
		"evidence": array.concat(policy.because, policy.redundant),
	}
}
