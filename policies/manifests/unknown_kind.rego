# METADATA
# title: Kind that no API server serves
# description: |
#   The kind does not exist in this group and version, so that nothing is applied. Often the group is misspelt or
#   the version was removed.
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
package kguard.manifests.unknown_kind

deny contains finding if {
	some problem in input.problems
	problem.sort == "unknown_kind"
	finding := {
		"target": problem.ref,
		"path": problem.path,
		"message": sprintf("%s has no effect: %s", [problem.subject, problem.detail]),
		"evidence": problem.because,
		"severity": _severity[problem.weight],
	}
}

_severity := {"security": "high", "other": "medium"}
