# METADATA
# title: Signature of an image cannot be verified with what was given
# description: |
#   A signature is listed or read, but something is missing that it is checked with: the public key,
#   the trusted root, an entry of the transparency log or a timestamp, or content that the place
#   lists and does not hold. That is no pass and not the same as being unsigned: the answer is
#   unknown, unless the parameter `fail` makes it a failure.
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
#   no_remedy: "give what the finding names (--key, --trusted-root, a complete copy of the repository), or have the image signed again with an entry in the log"
#   controls: [ATTACK-M1045]
#   since: "0.1"
#   params:
#     fail:
#       type: boolean
#       default: false
package kguard.images.signature_unverifiable

unknown contains finding if {
	input.params["images/signature-unverifiable"].fail == false
	some finding in _findings
}

# where the settings say that what is not known is not let through
deny contains finding if {
	input.params["images/signature-unverifiable"].fail == true
	some finding in _findings
}

_findings contains finding if {
	some use in input.uses
	use.signature == "unverifiable_offline"
	finding := {
		"target": use.ref,
		"path": sprintf("%s/%s", [use.role, use.container]),
		"message": sprintf("the signature of %s cannot be verified with what was given: %s", [use.label, use.signature_reason]),
		"evidence": use.signature_because,
	}
}
