# METADATA
# title: Pods of one workload run different images
# description: |
#   The pods were made from the same description, and their status names different bytes: the tag
#   was moved between their starts. What was tested, scanned or signed may be one of them only, and
#   which one answers a request is chance.
# scope: package
# related_resources:
#   - https://kubernetes.io/docs/concepts/containers/images/#image-names
# schemas:
#   - input: schema.images
# custom:
#   severity: high
#   layer: images
#   kind: effect
#   subjects: uses
#   remedy: pin
#   since: "0.1"
package kguard.images.replicas_differ

deny contains finding if {
	some use in input.uses
	use.alike == "false"
	finding := {
		"target": use.ref,
		"path": sprintf("%s/%s", [use.role, use.container]),
		"message": sprintf("pods run %d different images under %s", [count(use.running), use.label]),
		"evidence": array.concat(use.because, use.running_because),
	}
}
