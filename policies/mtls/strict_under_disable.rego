# METADATA
# title: A STRICT workload stands under a policy that says DISABLE
# description: |
#   Sidecars decide what to send by the policies of mesh and namespace alone. Where those say
#   DISABLE, they send plaintext, and a workload that is STRICT by a policy of its own refuses
#   them.
# scope: package
# related_resources:
#   - https://github.com/istio/istio/issues/56084
# schemas:
#   - input: schema.mtls
# custom:
#   severity: high
#   layer: mtls
#   kind: effect
#   subjects: workloads
#   remedy: allow_mutual_tls
#   controls: [SOC2-CC6.7, ATTACK-M1041]
#   since: "0.1"
package kguard.mtls.strict_under_disable

deny contains finding if {
	some workload in input.workloads
	workload.plane == "sidecar"
	workload.inherited == "disable"
	some group in workload.modes
	group.effective == "strict"
	finding := {
		"target": workload.ref,
		"path": "",
		"message": sprintf("%s is STRICT on port %s under DISABLE: sidecars send plaintext and are refused", [
			workload.ref.name,
			concat(", ", group.ports),
		]),
		"evidence": group.because,
	}
}
