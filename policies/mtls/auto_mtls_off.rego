# METADATA
# title: Automatic mutual TLS is switched off for the mesh
# description: |
#   Sidecars send mutual TLS only where a DestinationRule says so, plaintext everywhere else.
#   STRICT workloads without such a rule refuse every client.
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
#   no_remedy: "with the switch on, every rule that was written to replace it should be looked at again"
#   controls: [SOC2-CC6.7, ATTACK-M1041]
#   since: "0.1"
package kguard.mtls.auto_mtls_off

deny contains finding if {
	input.presence == "present"
	input.mesh.auto_mtls == "off"
	finding := {
		"target": input.mesh.ref,
		"path": "auto-mtls",
		"message": "enableAutoMtls is false: sidecars send plaintext wherever no DestinationRule says otherwise",
		"evidence": input.mesh.settings,
	}
}
