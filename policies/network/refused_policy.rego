# METADATA
# title: The API server refuses a NetworkPolicy
# description: |
#   The object breaks the rules of its schema, so that it cannot be stored: what it says is not in
#   force, and pods that it was meant to isolate are not isolated by it.
# scope: package
# related_resources:
#   - https://kubernetes.io/docs/concepts/services-networking/network-policies/
# schemas:
#   - input: schema.network
# custom:
#   severity: high
#   layer: network
#   kind: posture
#   subjects: policies
#   no_remedy: "only its author knows what the refused field was meant to say"
#   controls: [CIS-5.3.2, ATTACK-M1030]
#   since: "0.1"
package kguard.network.refused_policy

deny contains finding if {
	some policy in input.policies
	policy.state == "refused"
	finding := {
		"target": policy.ref,
		"path": "",
		"message": sprintf("NetworkPolicy %s/%s is refused by the API server: %s", [
			policy.ref.namespace,
			policy.ref.name,
			concat("; ", [problem.text | some problem in policy.problems]),
		]),
		"evidence": [entry | some problem in policy.problems; some entry in problem.because],
	}
}
