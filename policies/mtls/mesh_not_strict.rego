# METADATA
# title: The mesh as a whole is not STRICT
# description: |
#   Without a mesh-wide PeerAuthentication in STRICT mode, every workload that no narrower policy
#   covers accepts plaintext from anyone, new namespaces included.
# scope: package
# related_resources:
#   - https://istio.io/latest/docs/reference/config/security/peer_authentication/
#   - https://istio.io/latest/docs/tasks/security/authentication/mtls-migration/
# schemas:
#   - input: schema.mtls
# custom:
#   severity: medium
#   layer: mtls
#   kind: posture
#   subjects: mesh
#   remedy: strict
#   controls: [SOC2-CC6.7, ATTACK-M1041]
#   since: "0.1"
package kguard.mtls.mesh_not_strict

deny contains finding if {
	input.scope == "cluster"
	input.presence == "present"
	input.mesh.intended in {"permissive", "disable"}
	finding := {
		"target": input.mesh.ref,
		"path": "",
		"message": sprintf("the mesh starts from %s: a new namespace accepts plaintext", [upper(input.mesh.intended)]),
		"evidence": input.mesh.because,
	}
}
