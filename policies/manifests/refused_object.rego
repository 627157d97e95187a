# METADATA
# title: Object that the API server refuses
# description: |
#   The object never reaches the cluster: what it should protect is not protected, and what was applied earlier
#   under the same name stays as it is.
# scope: package
# related_resources:
#   - https://kubernetes.io/docs/reference/using-api/api-concepts/
# schemas:
#   - input: schema.manifests
# custom:
#   severity: high
#   layer: manifests
#   kind: effect
#   subjects: problems
#   no_remedy: "only the author knows what was meant"
#   since: "0.1"
package kguard.manifests.refused_object

deny contains finding if {
	some problem in input.problems
	problem.sort == "invalid"
	finding := {
		"target": problem.ref,
		"path": problem.path,
		"message": sprintf("%s %s: %s", [problem.subject, _effect[problem.effect], problem.detail]),
		"evidence": problem.because,
		"severity": _severity[problem.weight],
	}
}

_effect := {"refused": "is refused by the API server", "ignored": "is not stored as it is written"}

_severity := {"security": "high", "other": "medium"}
