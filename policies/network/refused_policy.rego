# METADATA
# title: The API server refuses a policy
# description: |
#   The object breaks a rule of its kind: it is never stored, or the plugin drops it. What it was
#   written to protect is as open as if it did not exist. NetworkPolicies of Kubernetes itself are
#   checked with all other manifests.
# scope: package
# related_resources:
#   - https://network-policy-api.sigs.k8s.io/
#   - https://docs.tigera.io/calico/latest/network-policy/policy-tiers/tiered-policy
# schemas:
#   - input: schema.network
# custom:
#   severity: high
#   layer: network
#   kind: posture
#   subjects: policies
#   no_remedy: "only the author knows what was meant"
#   controls: [ATTACK-M1030]
#   since: "0.1"
package kguard.network.refused_policy

deny contains finding if {
	some policy in input.policies
	policy.state == "refused"
	not startswith(policy.ref.apiVersion, "networking.k8s.io/")
	some problem in policy.problems
	finding := {
		"target": policy.ref,
		"path": problem.path,
		"message": sprintf("%s is refused and has no effect: %s", [policy.said, problem.text]),
		"evidence": problem.because,
	}
}
