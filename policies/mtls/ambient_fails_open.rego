# METADATA
# title: ztunnel lets plaintext through where policy says STRICT
# description: |
#   In ambient mode istiod translates PeerAuthentications for ztunnel. Some combinations of levels
#   lose a STRICT port on the way, and a mesh or namespace policy with an empty selector is not
#   seen where a missing selector is.
# scope: package
# related_resources:
#   - https://istio.io/latest/docs/ambient/architecture/data-plane/
# schemas:
#   - input: schema.mtls
# custom:
#   severity: high
#   layer: mtls
#   kind: effect
#   subjects: workloads
#   remedy: explicit_modes
#   follows: [mtls/namespace-outside-mesh, mtls/workload-outside-mesh]
#   controls: [SOC2-CC6.7, ATTACK-M1041]
#   since: "0.1"
package kguard.mtls.ambient_fails_open

deny contains finding if {
	some workload in input.workloads
	workload.plane == "ambient"
	some group in workload.modes
	group.divergence == "fail_open"
	finding := {
		"target": workload.ref,
		"path": concat("/", group.ports),
		"message": sprintf("%s accepts plaintext on port %s although policy says STRICT", [
			workload.ref.name,
			concat(", ", group.ports),
		]),
		"evidence": group.because,
	}
}
