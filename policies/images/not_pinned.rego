# METADATA
# title: Image is named by tag, not by digest
# description: |
#   Whoever may push to the registry can put other bytes behind the tag, and every node that pulls
#   it afterwards runs them. Only a digest names bytes. For a Knative service the tag is resolved
#   when a revision is made, so that only the next revision can run something else.
# scope: package
# related_resources:
#   - https://kubernetes.io/docs/concepts/containers/images/#image-names
# schemas:
#   - input: schema.images
# custom:
#   severity: low
#   layer: images
#   kind: posture
#   subjects: uses
#   remedy: pin
#   since: "0.1"
package kguard.images.not_pinned

deny contains finding if {
	some use in input.uses
	use.mutability == "version_tag"
	finding := {
		"target": use.ref,
		"path": sprintf("%s/%s", [use.role, use.container]),
		"message": sprintf("%s is named by tag: other bytes can be pushed behind it", [use.label]),
		"evidence": use.because,
	}
}

deny contains finding if {
	some use in input.uses
	use.mutability == "resolved"
	finding := {
		"target": use.ref,
		"path": sprintf("%s/%s", [use.role, use.container]),
		"message": sprintf("%s is named by tag: the next revision runs what it names then", [use.label]),
		"evidence": use.because,
		"severity": "info",
	}
}
