# METADATA
# title: Image is signed by someone who is not trusted
# description: |
#   The signature is cryptographically sound, but its signer or key is none of those that the trust
#   settings or the cluster's own policies name. Anybody can sign anything.
# scope: package
# related_resources:
#   - https://docs.sigstore.dev/cosign/verifying/verify/
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
package kguard.images.signed_by_stranger

deny contains finding if {
	some use in input.uses
	use.signature == "wrong_identity"
	finding := {
		"target": use.ref,
		"path": sprintf("%s/%s", [use.role, use.container]),
		"message": sprintf("%s is signed by a stranger: %s", [use.label, use.signature_reason]),
		"evidence": use.signature_because,
	}
}
