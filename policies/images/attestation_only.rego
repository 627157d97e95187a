# METADATA
# title: Image carries attestations, but no signature
# description: |
#   A trusted signer made statements about the image (provenance, an SBOM ...), but none that says
#   "this image is released". cosign 3 accepts such an image as signed, most enforcers do not.
# scope: package
# related_resources:
#   - https://docs.sigstore.dev/cosign/verifying/attestation/
# schemas:
#   - input: schema.images
# custom:
#   severity: medium
#   layer: images
#   kind: effect
#   subjects: uses
#   remedy: sign
#   controls: [ATTACK-M1045]
#   since: "0.1"
package kguard.images.attestation_only

deny contains finding if {
	some use in input.uses
	use.signature == "verified_attestation_only"
	finding := {
		"target": use.ref,
		"path": sprintf("%s/%s", [use.role, use.container]),
		"message": sprintf("%s has attestations, but no signature: %s", [use.label, use.signature_reason]),
		"evidence": use.signature_because,
	}
}
