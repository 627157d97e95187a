# METADATA
# title: Image reference cannot be read
# description: |
#   Neither the kubelet nor a registry client can read the reference, so that the pod never starts
#   (`InvalidImageName`) and nothing can be said about its signature. Where it is a placeholder that
#   a tool fills in (`ko://...`, `<image>`), the manifest that will be applied is not in the input.
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
	use.placeholder == "false"
	finding := _finding(use, "%s cannot start: %q is no image reference", "medium")
}

deny contains finding if {
	some use in input.uses
	use.mutability == "unknown"
	use.placeholder == "true"
	finding := _finding(use, "what %s will run is not in the input: %q is a placeholder", "low")
}

_finding(use, format, severity) := {
	"target": use.ref,
	"path": sprintf("%s/%s", [use.role, use.container]),
	"message": sprintf(format, [use.container, use.image]),
	"evidence": use.because,
	"severity": severity,
}
