# METADATA
# title: Policies close port 15008 of a pod in an ambient mesh
# description: |
#   Connections between pods of an ambient mesh arrive at port 15008, whatever port the application
#   listens on. A policy that opens only the port of the application cuts every caller in the mesh.
# scope: package
# related_resources:
#   - https://istio.io/latest/docs/ambient/usage/networkpolicy/
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
package kguard.network.ambient_port_closed

deny contains finding if {
	some flow in input.flows
	flow.basis == "mesh"
	flow.port == "15008/TCP"
	flow.verdict == "blocked"
	finding := {
		"target": flow.ref,
		"path": sprintf("%s > %s:%s", [flow.source, flow.target, flow.port]),
		"message": sprintf("%s cannot reach %s through the ambient mesh: policies close port 15008", [flow.source, flow.target]),
		"evidence": flow.because,
	}
}
