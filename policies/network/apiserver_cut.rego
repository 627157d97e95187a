# METADATA
# title: Policies cut a workload off from the API server
# description: |
#   The workload works with the API server, which is no pod: rules must name its addresses.
#   Controllers that are cut off stop working at once or at their next restart.
# scope: package
# related_resources:
#   - https://kubernetes.io/docs/concepts/services-networking/network-policies/
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
package kguard.network.apiserver_cut

deny contains finding if {
	some flow in input.flows
	flow.basis == "apiserver"
	flow.verdict == "blocked"
	not flow.source in _reaching
	finding := {
		"target": flow.ref,
		"path": sprintf("%s > %s:%s", [flow.source, flow.target, flow.port]),
		"message": sprintf("%s cannot reach the API server at %s: policies block it", [flow.source, flow.port]),
		"evidence": flow.because,
	}
}

# where the address is not known, two ports are meant, and one of them is the right one
_reaching := {flow.source |
	some flow in input.flows
	flow.basis == "apiserver"
	flow.verdict != "blocked"
}
