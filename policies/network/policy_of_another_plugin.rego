# METADATA
# title: A policy is of a kind that the network plugin does not know
# description: |
#   The API server stores the object and nothing ever reads it: the traffic that it seems to
#   restrict is not restricted by it.
# scope: package
# related_resources:
#   - https://kubernetes.io/docs/concepts/extend-kubernetes/compute-storage-net/network-plugins/
# schemas:
#   - input: schema.network
# custom:
#   severity: critical
#   layer: network
#   kind: posture
#   subjects: policies
#   no_remedy: "what the policy means in the kinds that the plugin knows, its author must say"
#   controls: [CIS-5.3.1, ATTACK-M1030]
#   since: "0.1"
package kguard.network.policy_of_another_plugin

deny contains finding if {
	some policy in input.policies
	policy.state == "other_plugin"
	finding := {
		"target": policy.ref,
		"path": "",
		"message": sprintf("%s has no effect: the network plugin is %s", [policy.said, input.plugin.name]),
		"evidence": array.concat(policy.because, input.plugin.because),
	}
}
