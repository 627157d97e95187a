# METADATA
# title: A rule admits a connection that nothing asks for
# description: |
#   Both ends are in the input, and no setting, route, webhook or other object names one to the
#   other. The rule may be left over, or the connection is written in code or in a Secret.
# scope: package
# related_resources:
#   - https://kubernetes.io/docs/concepts/services-networking/network-policies/
# schemas:
#   - input: schema.network
# custom:
#   severity: info
#   layer: network
#   kind: posture
#   subjects: policies
#   no_remedy: "a connection that is written in code or in a Secret shows nowhere; name it in kguard-flows.yaml, or remove the peer"
#   controls: [ATTACK-M1030]
#   since: "0.1"
package kguard.network.unreferenced_rule

deny contains finding if {
	some policy in input.policies
	some peer in policy.unreferenced
	finding := {
		"target": policy.ref,
		"path": peer.path,
		"message": sprintf("%s admits traffic %s, and nothing in the input asks for it", [
			policy.said,
			peer.text,
		]),
		"evidence": peer.because,
	}
}
