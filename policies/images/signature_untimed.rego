# METADATA
# title: Nothing proves that an image was signed while the certificate was valid
# description: |
#   A certificate for signing lives some minutes. A time that a trusted log or timestamp authority
#   vouches for must lie within them; here it is missing, lies outside, or was given by an authority
#   that was not trusted then. Whoever finds an old key could have made the signature.
# scope: package
# related_resources:
#   - https://docs.sigstore.dev/about/security/
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
package kguard.images.signature_untimed

deny contains finding if {
	some use in input.uses
	use.signature == "expired_or_untimed"
	finding := {
		"target": use.ref,
		"path": sprintf("%s/%s", [use.role, use.container]),
		"message": sprintf("nothing proves that %s was signed in time: %s", [use.label, use.signature_reason]),
		"evidence": use.signature_because,
	}
}
