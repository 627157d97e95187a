# METADATA
# title: Signature of an image does not hold
# description: |
#   There is a signature, but it does not fit: bytes were changed, it belongs to another image, or
#   its log entry contradicts it.
# scope: package
# related_resources:
#   - https://docs.sigstore.dev/about/bundle/
# schemas:
#   - input: schema.images
# custom:
#   severity: critical
#   layer: images
#   kind: effect
#   subjects: uses
#   remedy: sign
#   controls: [ATTACK-M1045]
#   since: "0.1"
package kguard.images.signature_broken

deny contains finding if {
	some use in input.uses
	use.signature == "tampered"
	finding := {
		"target": use.ref,
		"path": sprintf("%s/%s", [use.role, use.container]),
		"message": sprintf("the signature of %s does not hold: %s", [use.label, use.signature_reason]),
		"evidence": use.signature_because,
	}
}
