# METADATA
# title: Object that its controller overwrites
# description: |
#   Objects of internal groups are made by a controller from others; written by hand they are overwritten or
#   ignored. The setting belongs on the object that the controller reads.
# scope: package
# related_resources:
#   - https://kubernetes.io/docs/reference/using-api/api-concepts/
# schemas:
#   - input: schema.manifests
# custom:
#   severity: low
#   layer: manifests
#   kind: effect
#   subjects: problems
#   no_remedy: "the setting has to move to the object that the controller reads"
#   since: "0.1"
package kguard.manifests.internal_object

deny contains finding if {
	some problem in input.problems
	problem.sort == "internal"
	finding := {
		"target": problem.ref,
		"path": problem.path,
		"message": sprintf("%s has no effect: %s", [problem.subject, problem.detail]),
		"evidence": problem.because,
		"severity": _severity[problem.weight],
	}
}

_severity := {"security": "low", "other": "low"}
