# METADATA
# title: Evidence about an image cannot be read
# description: |
#   The evidence folder that was given is broken, so that what it says about the image, if anything,
#   is lost. That is no pass and not the same as being unsigned: the answer is unknown, unless the
#   parameter `fail` makes it a failure.
# scope: package
# related_resources:
#   - https://github.com/opencontainers/image-spec/blob/main/image-layout.md
# schemas:
#   - input: schema.images
# custom:
#   severity: high
#   layer: images
#   kind: effect
#   subjects: uses
#   no_remedy: "collect the evidence anew (kguard images collect)"
#   controls: [ATTACK-M1045]
#   since: "0.1"
#   params:
#     fail:
#       type: boolean
#       default: false
package kguard.images.evidence_unreadable

unknown contains finding if {
	input.params["images/evidence-unreadable"].fail == false
	some finding in _findings
}

# where the settings say that what is not known is not let through
deny contains finding if {
	input.params["images/evidence-unreadable"].fail == true
	some finding in _findings
}

_findings contains finding if {
	some use in input.uses
	use.signature == "unknown_unreadable"
	finding := {
		"target": use.ref,
		"path": sprintf("%s/%s", [use.role, use.container]),
		"message": sprintf("whether %s is signed is not known: %s", [use.label, use.signature_reason]),
		"evidence": use.signature_because,
	}
}
