# METADATA
# title: Image reference cannot be read
# description: |
#   Neither the kubelet nor a registry client can read the reference, so that the pod never starts
#   (`InvalidImageName`) and nothing can be said about its signature. Often a template that was
#   not rendered.
# scope: package
# related_resources:
#   - https://kubernetes.io/docs/concepts/containers/images/#image-names
# schemas:
#   - input: schema.images
# custom:
#   severity: medium
#   layer: images
#   kind: effect
#   subjects: uses
#   no_remedy: "which image was meant is not known"
#   since: "0.1"
package kguard.images.invalid_reference

deny contains finding if {
	some use in input.uses
	use.mutability == "unknown"
	finding := {
		"target": use.ref,
		"path": sprintf("%s/%s", [use.role, use.container]),
		"message": sprintf("%s cannot start: %q is no image reference", [use.container, use.image]),
		"evidence": use.because,
	}
}
