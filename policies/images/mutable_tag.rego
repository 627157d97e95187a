# METADATA
# title: Image tag is meant to move
# description: |
#   `latest`, channels such as `stable` and short versions such as `1.2` are moved with every
#   release. Pods of one workload can run different bytes, a rollback does not restore the old
#   ones, and a signature that was checked once says nothing about what is pulled next.
#   Knative resolves tags itself, unless the registry is in its skip list.
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
#   remedy: pin
#   since: "0.1"
package kguard.images.mutable_tag

deny contains finding if {
	some use in input.uses
	some kind in ["latest", "floating_tag"]
	use.mutability == kind
	finding := {
		"target": use.ref,
		"path": sprintf("%s/%s", [use.role, use.container]),
		"message": sprintf("container %s runs whatever %s names at the moment of the pull", [use.container, use.image]),
		"evidence": use.because,
	}
}
