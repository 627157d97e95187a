# METADATA
# title: Policies cut a proxy off from what the mesh needs
# description: |
#   A sidecar must reach istiod for its configuration and certificates, and the exporters that the
#   mesh is set up with. Cut off, it keeps old routes, its certificate expires, and new pods never
#   become ready.
# scope: package
# related_resources:
#   - https://kubernetes.io/docs/concepts/services-networking/network-policies/
#   - https://istio.io/latest/docs/ops/deployment/application-requirements/
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
package kguard.network.mesh_cut

deny contains finding if {
	some flow in input.flows
	flow.basis == "mesh"
	flow.port != "15008/TCP"
	flow.verdict == "blocked"
	finding := {
		"target": flow.ref,
		"path": sprintf("%s > %s:%s", [flow.source, flow.target, flow.port]),
		"message": sprintf("the proxy of %s cannot reach %s at %s: policies block it", [flow.source, flow.target, flow.port]),
		"evidence": flow.because,
	}
}
