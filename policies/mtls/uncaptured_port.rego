# METADATA
# title: A port bypasses the proxy
# description: |
#   Annotations of the pod keep connections to the port away from the proxy, so that it speaks
#   plaintext although the workload is in the mesh and policy says otherwise.
# scope: package
# related_resources:
#   - https://istio.io/latest/docs/reference/config/annotations/
# schemas:
#   - input: schema.mtls
# custom:
#   severity: medium
#   layer: mtls
#   kind: effect
#   subjects: workloads
#   no_remedy: "the port was taken out of the mesh by hand: its callers must be known before it is put back"
#   follows: [mtls/namespace-outside-mesh, mtls/workload-outside-mesh]
#   controls: [SOC2-CC6.7, ATTACK-M1041]
#   since: "0.1"
package kguard.mtls.uncaptured_port

deny contains finding if {
	some workload in input.workloads
	workload.role == "application"
	some group in workload.modes
	group.listener == "seen"
	group.gap in {"excluded", "not_included", "interception", "bypass"}
	group.caller == "any"
	finding := {
		"target": workload.ref,
		"path": group.gap,
		"message": sprintf("%s on port %s bypasses its proxy: policy says %s, nobody enforces it", [
			workload.ref.name,
			concat(", ", group.ports),
			upper(group.intended),
		]),
		"evidence": group.because,
	}
}
