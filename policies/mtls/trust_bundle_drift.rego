# METADATA
# title: A namespace trusts another root than the mesh
# description: |
#   istiod copies the root certificate into every namespace. Where the copy differs, proxies of
#   that namespace do not believe the others, or still believe a root that was replaced.
# scope: package
# related_resources:
#   - https://istio.io/latest/docs/tasks/security/cert-management/plugin-ca-cert/
# schemas:
#   - input: schema.mtls
# custom:
#   severity: medium
#   layer: mtls
#   kind: effect
#   subjects: trust_bundles
#   no_remedy: "istiod writes the copies: it must run, and be allowed to"
#   controls: [ATTACK-M1041]
#   since: "0.1"
package kguard.mtls.trust_bundle_drift

deny contains finding if {
	some bundle in input.trust_bundles
	finding := {
		"target": bundle.ref,
		"path": "",
		"message": sprintf("namespace %s trusts another root than the mesh", [bundle.ref.namespace]),
		"evidence": bundle.because,
	}
}
