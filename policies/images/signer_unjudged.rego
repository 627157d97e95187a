# METADATA
# title: Image is signed, but nobody says whom to trust
# description: |
#   The signature is cryptographically sound. Neither the settings nor a policy of the cluster name
#   anybody who may sign this image, and anybody can sign anything. That is no pass and not the same
#   as being unsigned: the answer is unknown, unless the parameter `fail` makes it a failure.
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
#   no_remedy: "name the signer in trust.identities or the key in trust.keys, if you know it to be the right one"
#   controls: [ATTACK-M1045]
#   since: "0.1"
#   params:
#     fail:
#       type: boolean
#       default: false
package kguard.images.signer_unjudged

unknown contains finding if {
	input.params["images/signer-unjudged"].fail == false
	some finding in _findings
}

# where the settings say that what is not known is not let through
deny contains finding if {
	input.params["images/signer-unjudged"].fail == true
	some finding in _findings
}

_findings contains finding if {
	some use in input.uses
	use.signature == "unjudged"
	finding := {
		"target": use.ref,
		"path": sprintf("%s/%s", [use.role, use.container]),
		"message": sprintf("%s is signed, but nobody said whom to trust: %s", [use.label, use.signer]),
		"evidence": use.signature_because,
	}
}
