# METADATA
# title: Two cluster-wide policies have the same priority
# description: |
#   Which policy of a tier is asked first where priorities are equal, the API does not say, and
#   network plugins differ. Where the two decide differently about a connection, nobody knows what
#   becomes of it.
# scope: package
# related_resources:
#   - https://network-policy-api.sigs.k8s.io/api-overview/
# schemas:
#   - input: schema.network
# custom:
#   severity: medium
#   layer: network
#   kind: posture
#   subjects: policies
#   no_remedy: "only the owners know which of the two is meant to be asked first"
#   controls: [ATTACK-M1030]
#   since: "0.1"
package kguard.network.undefined_order

deny contains finding if {
	some policy in input.policies
	some other in policy.tied
	finding := {
		"target": policy.ref,
		"path": other.path,
		"message": sprintf("%s has the priority of %s: which of them is asked first, nobody knows", [policy.said, other.text]),
		"evidence": other.because,
	}
}
