# METADATA
# title: Image is not signed
# description: |
#   The image itself was found, and every place where a signature can lie was asked and has none:
#   referrers, the fallback tag, `.sig` and `.att`. Where one of them could not be asked or read,
#   other policies say so: that is never "not signed".
# scope: package
# related_resources:
#   - https://docs.sigstore.dev/cosign/signing/signing_with_containers/
# schemas:
#   - input: schema.images
# custom:
#   severity: high
#   layer: images
#   kind: effect
#   subjects: uses
#   remedy: sign
#   controls: [ATTACK-M1045]
#   since: "0.1"
package kguard.images.unsigned

deny contains finding if {
	some use in input.uses
	use.signature == "unsigned"
	finding := {
		"target": use.ref,
		"path": sprintf("%s/%s", [use.role, use.container]),
		"message": sprintf("nobody has signed %s", [use.label]),
		"evidence": use.signature_because,
	}
}
