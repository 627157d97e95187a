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
	other.gives in {"mutual_tls", "permissive_tls"}
}

_helps contains sprintf("%s %s", [other.name, _gives[other.gives]]) if {
	some other in input.others
	other.gives in {"node_encryption", "authentication"}
}

_gives := {
	"node_encryption": "encrypts between nodes only",
	"authentication": "checks identities and encrypts nothing",
}

_wire := "workloads talk in plaintext" if count(_helps) == 0

_wire := concat(", ", _helps) if count(_helps) > 0
