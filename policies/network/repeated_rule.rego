# METADATA
# title: A rule admits nothing that another rule does not admit
# description: |
#   A wider rule for the same pods makes this one void. Whoever deletes or narrows it believes to
#   close something, and closes nothing.
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
#   no_remedy: "whether the wider rule is too wide or the narrower one is left over, only their owners know"
#   controls: [ATTACK-M1030]
#   since: "0.1"
package kguard.network.repeated_rule

deny contains finding if {
	some policy in input.policies
	some rule in policy.repeated
	finding := {
		"target": policy.ref,
		"path": rule.path,
		"message": sprintf("a rule of %s is void, a wider one admits the same: %s", [
			policy.said,
			rule.text,
		]),
		"evidence": rule.because,
	}
}
