# METADATA
# title: Object that is defined twice with different content
# description: |
#   One apply overwrites the other; which one counts depends on the order of file names, and a later apply of one
#   file alone changes the cluster.
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
	finding := {
		"target": duplicate.ref,
		"path": "",
		"message": sprintf("%s is defined %s with different content", [duplicate.subject, duplicate.detail]),
		"evidence": duplicate.because,
		"severity": _severity[duplicate.weight],
	}
}

_severity := {"security": "high", "other": "medium"}
