# METADATA
# title: DISABLE is asked for where no such mode exists
# description: |
#   ztunnel has no mode in which it refuses mutual TLS: it takes DISABLE for "not STRICT" and accepts
#   both. Whoever wrote DISABLE expects plaintext only, and a move to sidecars would bring it.
# scope: package
# related_resources:
#   - https://github.com/istio/istio/issues/45593
# schemas:
#   - input: schema.mtls
# custom:
#   severity: low
#   layer: mtls
#   kind: effect
#   subjects: workloads
#   remedy: allow_mutual_tls
#   follows: [mtls/namespace-outside-mesh, mtls/workload-outside-mesh]
#   controls: [SOC2-CC6.7, ATTACK-M1041]
#   since: "0.1"
package kguard.mtls.ambient_disable

deny contains finding if {
	some workload in input.workloads
	workload.plane == "ambient"
	some group in workload.modes
	group.intended == "disable"
	group.effective == "permissive"
	group.listener == "seen"
	finding := {
		"target": workload.ref,
		"path": concat("/", group.ports),
		"message": sprintf("%s says DISABLE for port %s of %s: ztunnel accepts plaintext and mutual TLS alike", [
			group.decided_by,
			concat(", ", group.ports),
			workload.ref.name,
		]),
		"evidence": group.because,
	}
}
