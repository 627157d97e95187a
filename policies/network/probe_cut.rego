# METADATA
# title: Policies keep the kubelet from probing a workload
# description: |
#   A probe or a lifecycle hook asks this port, and no rule admits where it comes from. In an
#   ambient mesh probes come from 169.254.7.127, an address that rules must name: pods never become
#   ready, or are restarted for ever.
# scope: package
# related_resources:
#   - https://kubernetes.io/docs/concepts/services-networking/network-policies/
#   - https://istio.io/latest/docs/ambient/usage/networkpolicy/
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
package kguard.network.probe_cut

deny contains finding if {
	some flow in input.flows
	flow.basis == "probe"
	flow.verdict == "blocked"
	finding := {
		"target": flow.ref,
		"path": sprintf("%s > %s:%s", [flow.source, flow.target, flow.port]),
		"message": sprintf("policies keep the probes of %s out of %s", [flow.target, flow.port]),
		"evidence": flow.because,
	}
}
