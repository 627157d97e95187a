# METADATA
# title: Image policy is refused by its own enforcer
# description: |
#   The policy does not pass the enforcer's own validation (an identity without issuer, two kinds of
#   authority at once, a key that is none). It is never in force, however strict it reads.
# scope: package
# related_resources:
#   - https://docs.sigstore.dev/policy-controller/overview/
# schemas:
#   - input: schema.images
# custom:
#   severity: high
#   layer: images
#   kind: posture
#   subjects: policies
#   no_remedy: "what was meant is not known; the finding names the field that is wrong"
#   controls: [CIS-5.5.1, ATTACK-M1045]
#   since: "0.1"
package kguard.images.policy_refused

deny contains finding if {
	some policy in input.policies
	policy.refused == "true"
	finding := {
		"target": policy.ref,
		"path": policy.rule,
		"message": sprintf("%s is not in force: its enforcer refuses it", [policy.ref.name]),
		"evidence": policy.refused_because,
	}
}
