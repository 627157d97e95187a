# METADATA
# title: Tag names another image than the one that runs
# description: |
#   The status of the running pods says which bytes they have; the tag in their description names
#   others by now (in the registry, or when the evidence was collected). A pod that is started
#   again, or on another node, runs something else than the others, and nobody deployed it. A
#   Knative service runs on with what its revision resolved; only the next revision changes.
# scope: package
# related_resources:
#   - https://kubernetes.io/docs/concepts/containers/images/#image-pull-policy
# schemas:
#   - input: schema.images
# custom:
#   severity: medium
#   layer: images
#   kind: effect
#   subjects: uses
#   remedy: pin
#   since: "0.1"
package kguard.images.tag_moved

deny contains finding if {
	some use in input.uses
	use.moved == "true"
	finding := {
		"target": use.ref,
		"path": sprintf("%s/%s", [use.role, use.container]),
		"message": sprintf("%s names %s now, %s", [use.image, substring(use.moved_to, 0, 19), _running(use)]),
		"evidence": array.concat(use.because, use.running_because),
		"severity": _severity[use.how],
	}
}

_running(use) := sprintf("%s runs %s", [use.container, substring(use.digest, 0, 19)])

_severity := {"pod_status": "medium", "revision_status": "low"}
