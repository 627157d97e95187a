# METADATA
# title: Only the index of the image is signed
# description: |
#   `cosign sign TAG` signs the index that the tag names, not the images for each platform that it
#   lists. Whoever checks the image that really runs (CRI-O, Podman, a pod that names its digest)
#   finds no signature.
# scope: package
# related_resources:
#   - https://docs.sigstore.dev/cosign/signing/signing_with_containers/
# schemas:
#   - input: schema.images
# custom:
#   severity: low
#   layer: images
#   kind: effect
#   subjects: uses
#   remedy: sign
#   controls: [ATTACK-M1045]
#   since: "0.1"
package kguard.images.signed_via_index

deny contains finding if {
	some use in input.uses
	use.signature == "signed_via_index"
	finding := {
		"target": use.ref,
		"path": sprintf("%s/%s", [use.role, use.container]),
		"message": sprintf("only an index that lists %s is signed", [use.label]),
		"evidence": use.signature_because,
	}
}
