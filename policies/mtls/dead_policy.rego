# METADATA
# title: A PeerAuthentication decides nothing
# description: |
#   Istio ignores the policy: it has a selector in the root namespace, an older policy of the same
#   scope wins, it selects no workload, or it is written for a control plane that serves none of
#   its pods.
# scope: package
# related_resources:
#   - https://istio.io/latest/docs/reference/config/security/peer_authentication/
#   - https://github.com/istio/istio/issues/61023
# schemas:
#   - input: schema.mtls
# custom:
#   severity: medium
#   layer: mtls
#   kind: posture
#   subjects: policies
#   no_remedy: "whether the policy is deleted or rewritten depends on what its author meant"
#   controls: [SOC2-CC6.7, ATTACK-M1041]
#   since: "0.1"
package kguard.mtls.dead_policy

deny contains finding if {
	some policy in input.policies
	policy.origin == "user"
	policy.state == "dead"
	finding := {
		"target": policy.ref,
		"path": policy.dead_reason,
		"message": sprintf("PeerAuthentication %s/%s has no effect: %s", [
			policy.ref.namespace,
			policy.ref.name,
			_words[policy.dead_reason],
		]),
		"evidence": policy.because,
		"severity": _severities[policy.tie],
	}
}

# a duplicate that says the same does no harm
_severities := {
	"none": "medium",
	"same": "low",
}

_words := {
	"root_selector": "in the root namespace a policy with a selector is ignored",
	"younger": "an older policy of the same scope wins",
	"no_workload": "it selects no workload",
	"revision": "no control plane of its revision serves these pods",
	"undiscovered": "istiod does not look at its namespace",
}
