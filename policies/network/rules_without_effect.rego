# METADATA
# title: Rules stand in a direction that the policy does not restrict
# description: |
#   policyTypes leaves out the direction, so the API server stores the rules and nobody ever reads
#   them: the traffic that they seem to restrict is not restricted by this policy.
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
#   remedy: put_in_force
#   controls: [CIS-5.3.2, ATTACK-M1030]
#   since: "0.1"
package kguard.network.rules_without_effect

deny contains finding if {
	some policy in input.policies
	some defect in policy.idle
	finding := {
		"target": policy.ref,
		"path": defect.path,
		"message": sprintf("the %s rules of %s restrict nothing: policyTypes does not list %s", [
			defect.path,
			policy.said,
			defect.text,
		]),
		"evidence": defect.because,
	}
}
