# METADATA
# title: A rule never decides
# description: |
#   An earlier rule, or a policy that is asked before, takes all the traffic that this rule speaks
#   of. What the rule says, a denial above all, never happens.
# scope: package
# related_resources:
#   - https://network-policy-api.sigs.k8s.io/
#   - https://docs.tigera.io/calico/latest/network-policy/policy-tiers/tiered-policy
# schemas:
#   - input: schema.network
# custom:
#   severity: medium
#   layer: network
#   kind: posture
#   subjects: policies
#   no_remedy: "whether the earlier rule is too wide or this one is left over, only their owners know"
#   controls: [ATTACK-M1030]
#   since: "0.1"
package kguard.network.shadowed_rule

deny contains finding if {
	some policy in input.policies
	some rule in policy.shadowed
	finding := {
		"target": policy.ref,
		"path": rule.path,
		"message": sprintf("a rule of %s never decides, another one comes before it: %s", [policy.said, rule.text]),
		"evidence": rule.because,
	}
}
