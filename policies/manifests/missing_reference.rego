# METADATA
# title: Reference to an object that is not in the input
# description: |
#   Traffic, events or a sink go to something that these manifests do not hold. It may exist in the cluster;
#   if it does not, requests and events are lost, or reach whoever creates it.
# scope: package
# related_resources:
#   - https://knative.dev/docs/
# schemas:
#   - input: schema.manifests
# custom:
#   severity: low
#   layer: manifests
#   kind: posture
#   subjects: references
#   no_remedy: "whether the object exists elsewhere is not in the input"
#   since: "0.1"
package kguard.manifests.missing_reference

deny contains finding if {
	some reference in input.references
	finding := {
		"target": reference.ref,
		"path": sprintf("%s %s", [reference.path, reference.to]),
		"message": sprintf("%s refers to %s, which is not in the input", [reference.subject, reference.to]),
		"evidence": reference.because,
	}
}
