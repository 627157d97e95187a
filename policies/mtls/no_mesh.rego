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
	count(_meshes) == 0
	finding := {
		"target": input.mesh.ref,
		"path": "",
		"message": sprintf("no mesh in the input: %s, and no workload knows who calls it", [_wire]),
		"evidence": array.concat(
			[{"note": "looked for Istio's objects, labels and webhooks, and for the marks of other meshes"}],
			[evidence | some other in input.others; some evidence in other.because],
		),
	}
}

_meshes contains other.name if {
	some other in input.others
	other.gives == "mutual_tls"
}

_encryptions contains other.name if {
	some other in input.others
	other.gives == "node_encryption"
}

_wire := "workloads talk in plaintext" if count(_encryptions) == 0

_wire := sprintf("%s encrypts between nodes only", [concat(", ", _encryptions)]) if count(_encryptions) > 0
