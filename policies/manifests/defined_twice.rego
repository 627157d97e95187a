# METADATA
# title: Object that is defined twice with different content
# description: |
#   In one file or one rendering, one definition overwrites the other. In several files of one folder they may be
#   alternatives of which somebody applies one; applied together, the last by file name counts, and a later apply
#   of one file alone changes the cluster.
# scope: package
# related_resources:
#   - https://kubernetes.io/docs/reference/kubectl/generated/kubectl_apply/
# schemas:
#   - input: schema.manifests
# custom:
#   severity: medium
#   layer: manifests
#   kind: effect
#   subjects: duplicates
#   no_remedy: "only the author knows which definition is meant"
#   since: "0.1"
package kguard.manifests.defined_twice

deny contains finding if {
	some duplicate in input.duplicates
	duplicate.together == "certain"
	finding := {
		"target": duplicate.ref,
		"path": "",
		"message": sprintf("%s is defined %s with different content", [duplicate.subject, duplicate.detail]),
		"evidence": duplicate.because,
		"severity": _severity[duplicate.weight],
	}
}

deny contains finding if {
	some duplicate in input.duplicates
	duplicate.together == "possible"
	finding := {
		"target": duplicate.ref,
		"path": "",
		"message": sprintf("which %s counts depends on the files that are applied: its folder defines it %s", [duplicate.subject, duplicate.detail]),
		"evidence": duplicate.because,
		"severity": _mild[duplicate.weight],
	}
}

_severity := {"security": "high", "other": "medium"}

_mild := {"security": "medium", "other": "low"}
