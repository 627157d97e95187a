# METADATA
# title: Which of several policies is in force depends on the order of their creation
# description: |
#   Of several PeerAuthentications of one scope only the oldest counts, and files have no age.
#   These say different things, so the mode depends on which one is applied first.
# scope: package
# related_resources:
#   - https://istio.io/latest/docs/reference/config/security/peer_authentication/
# schemas:
#   - input: schema.mtls
# custom:
#   severity: medium
#   layer: mtls
#   kind: posture
#   subjects: policies
#   no_remedy: "which of the policies was meant is known to their author only"
#   controls: [SOC2-CC6.7, ATTACK-M1041]
#   since: "0.1"
package kguard.mtls.ambiguous_order

deny contains finding if {
	some policy in input.policies
	policy.state == "decides"
	policy.tie == "differs"
	finding := {
		"target": policy.ref,
		"path": concat(",", policy.rivals),
		"message": sprintf("whichever is applied first wins: %s/%s or %s; at worst the mode is %s", [
			policy.ref.namespace,
			policy.ref.name,
			concat(", ", policy.rivals),
			upper(policy.weakest),
		]),
		"evidence": policy.because,
	}
}
