# METADATA
# title: Policies keep the API server from calling a webhook
# description: |
#   The API server asks this webhook or aggregated API, and it is no pod: selectors never match it.
#   Requests fail, or pass without the check, as the failure policy says.
# scope: package
# related_resources:
#   - https://kubernetes.io/docs/concepts/services-networking/network-policies/
#   - https://kubernetes.io/docs/reference/access-authn-authz/extensible-admission-controllers/
# schemas:
#   - input: schema.network
# custom:
#   severity: high
#   layer: network
#   kind: effect
#   subjects: flows
#   remedy: allow_flow
#   controls: [ATTACK-M1030]
#   since: "0.1"
package kguard.network.webhook_cut

deny contains finding if {
	some flow in input.flows
	flow.basis == "webhook"
	flow.verdict == "blocked"
	finding := {
		"target": flow.ref,
		"path": sprintf("%s > %s:%s", [flow.source, flow.target, flow.port]),
		"message": sprintf("the API server cannot call %s at %s: policies block it", [flow.target, flow.port]),
		"evidence": flow.because,
	}
}
