# METADATA
# title: Signature of an image has a format that cannot be read
# description: |
#   Something that says it is a signature lies beside the image, and it is of a form, version or
#   kind of key that is not read here, or it is of the Notary Project and no trust store was given.
#   That is no pass and not the same as being unsigned: the answer is unknown, unless the parameter
#   `fail` makes it a failure.
# scope: package
# related_resources:
#   - https://github.com/sigstore/cosign/blob/main/specs/BUNDLE_SPEC.md
# schemas:
#   - input: schema.images
# custom:
#   severity: high
#   layer: images
#   kind: effect
#   subjects: uses
#   no_remedy: "sign once more in a format that is read (cosign sign), or give the trust store of the Notary Project in trust.notation"
#   controls: [ATTACK-M1045]
#   since: "0.1"
#   params:
#     fail:
#       type: boolean
#       default: false
package kguard.images.signature_unsupported

unknown contains finding if {
	input.params["images/signature-unsupported"].fail == false
	some finding in _findings
}

# where the settings say that what is not known is not let through
deny contains finding if {
	input.params["images/signature-unsupported"].fail == true
	some finding in _findings
}

_findings contains finding if {
	some use in input.uses
	use.signature == "unsupported_format"
	finding := {
		"target": use.ref,
		"path": sprintf("%s/%s", [use.role, use.container]),
		"message": sprintf("the signature of %s cannot be read: %s", [use.label, use.signature_reason]),
		"evidence": use.signature_because,
	}
}
