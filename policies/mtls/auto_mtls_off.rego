# METADATA
# title: Automatic mutual TLS is switched off for the mesh
# description: |
#   Sidecars send mutual TLS only where a DestinationRule says so, plaintext everywhere else, and
#   no rule of the root namespace says so for the whole mesh. STRICT workloads refuse plaintext.
# scope: package
# related_resources:
#   - https://istio.io/latest/docs/reference/config/istio.mesh.v1alpha1/
# schemas:
#   - input: schema.mtls
# custom:
#   severity: medium
#   layer: mtls
#   kind: posture
#   subjects: mesh
#   remedy: mutual_everywhere
#   controls: [SOC2-CC6.7, ATTACK-M1041]
#   since: "0.1"
package kguard.mtls.auto_mtls_off

deny contains finding if {
	input.presence == "present"
	input.mesh.auto_mtls == "off"
	input.mesh.everywhere == "none"
	finding := {
		"target": input.mesh.ref,
		"path": "auto-mtls",
		"message": "enableAutoMtls is false: sidecars send plaintext wherever no DestinationRule says otherwise",
		"evidence": input.mesh.settings,
	}
}
