# METADATA
# title: Field that the API server does not know
# description: |
#   kubectl refuses the object; Helm, older clients and `--validate=ignore` have the field dropped without a word,
#   so that a rule is wider or narrower than it reads.
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
package kguard.manifests.unknown_field

deny contains finding if {
	some problem in input.problems
	problem.sort == "unknown_field"
	finding := {
		"target": problem.ref,
		"path": problem.path,
		"message": sprintf("%s %s: %s", [problem.subject, _effect[problem.effect], problem.detail]),
		"evidence": problem.because,
		"severity": _severity[problem.weight],
	}
}

_effect := {"refused": "is refused by kubectl and loses the field with other clients", "ignored": "is loaded without the field"}

_severity := {"security": "high", "other": "low"}
