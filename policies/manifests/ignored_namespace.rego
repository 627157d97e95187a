# METADATA
# title: Namespace on an object that has none
# description: |
#   The kind is cluster-scoped: the API server drops the namespace, and the object counts everywhere.
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
#   no_remedy: "whether one namespace or all are meant is not in the text"
#   since: "0.1"
package kguard.manifests.ignored_namespace

deny contains finding if {
	some problem in input.problems
	problem.sort == "wrong_scope"
	finding := {
		"target": problem.ref,
		"path": problem.path,
		"message": sprintf("%s is wider than it looks: %s", [problem.subject, problem.detail]),
		"evidence": problem.because,
		"severity": _severity[problem.weight],
	}
}

_severity := {"security": "low", "other": "info"}
