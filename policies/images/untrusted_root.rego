# METADATA
# title: Signature of an image comes from authorities that are not trusted
# description: |
#   Its certificate, its entry in a transparency log, its timestamp or the timestamp of its
#   certificate is of an authority that no trusted root names. Anybody can run an authority that
#   vouches for any name.
# scope: package
# related_resources:
#   - https://docs.sigstore.dev/about/security/
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
package kguard.images.untrusted_root

deny contains finding if {
	some use in input.uses
	use.signature == "untrusted_root"
	finding := {
		"target": use.ref,
		"path": sprintf("%s/%s", [use.role, use.container]),
		"message": sprintf("the signature of %s comes from authorities that are not trusted: %s", [use.label, use.signature_reason]),
		"evidence": use.signature_because,
	}
}
