# METADATA
# title: Image is not in its registry
# description: |
#   The registry answers, and does not have the image any more. Pods run it only where a node still
#   has it; a new node cannot start them, and whoever may push to the repository can fill the tag.
# scope: package
# related_resources:
#   - https://kubernetes.io/docs/concepts/containers/images/
# schemas:
#   - input: schema.images
# custom:
#   severity: medium
#   layer: images
#   kind: effect
#   subjects: uses
#   no_remedy: "push the image again, or name one that is there"
#   since: "0.1"
package kguard.images.image_not_found

deny contains finding if {
	some use in input.uses
	use.signature == "not_found"
	finding := {
		"target": use.ref,
		"path": sprintf("%s/%s", [use.role, use.container]),
		"message": sprintf("%s is not in its registry", [use.label]),
		"evidence": use.signature_because,
	}
}
