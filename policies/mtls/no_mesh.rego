# METADATA
# title: Nothing encrypts or authenticates the traffic between workloads
# description: |
#   The cluster shows no service mesh: no control plane, no mesh label, no policy. Pods talk to
#   each other in plaintext and no receiver knows who calls.
# scope: package
# related_resources:
#   - https://istio.io/latest/docs/concepts/security/
# schemas:
#   - input: schema.mtls
# custom:
#   severity: medium
#   layer: mtls
#   kind: posture
#   subjects: mesh
#   no_remedy: "a service mesh has to be installed first"
#   controls: [SOC2-CC6.7, ATTACK-M1041]
#   since: "0.1"
package kguard.mtls.no_mesh

deny contains finding if {
	input.scope == "cluster"
	input.presence == "absent"
	finding := {
		"target": input.mesh.ref,
		"path": "",
		"message": "no mesh in the input: workloads talk in plaintext, and none knows who calls it",
		"evidence": [{"note": "looked for Istio's objects, labels and webhooks in the whole input"}],
	}
}
