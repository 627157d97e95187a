# METADATA
# title: The API server refuses a PeerAuthentication
# description: |
#   The object breaks the rules of its schema, so it cannot be stored: what it says is not in
#   force, and an older version of it stays as it is.
# scope: package
# related_resources:
#   - https://istio.io/latest/docs/reference/config/security/peer_authentication/
# schemas:
#   - input: schema.mtls
# custom:
#   severity: high
#   layer: mtls
#   kind: posture
#   subjects: policies
#   no_remedy: "only its author knows what the refused field was meant to say"
#   controls: [SOC2-CC6.7, ATTACK-M1041]
#   since: "0.1"
package kguard.mtls.refused_policy

deny contains finding if {
	some policy in input.policies
	policy.state == "refused"
	finding := {
		"target": policy.ref,
		"path": "",
		"message": sprintf("PeerAuthentication %s/%s is refused: %s", [
			policy.ref.namespace,
			policy.ref.name,
			concat("; ", policy.problems),
		]),
		"evidence": policy.because,
	}
}
