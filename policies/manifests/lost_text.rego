# METADATA
# title: Text that kubectl never reads
# description: |
#   What stands after `...`, or behind the first JSON value for other readers, is dropped without a word;
#   `{port:80}` is a key without value. The file shows more than the cluster gets.
# scope: package
# related_resources:
#   - https://kubernetes.io/docs/reference/using-api/api-concepts/
# schemas:
#   - input: schema.manifests
# custom:
#   severity: medium
#   layer: manifests
#   kind: effect
#   subjects: ambiguities
#   no_remedy: "only the author knows which reading is meant"
#   since: "0.1"
package kguard.manifests.lost_text

deny contains finding if {
	some place in input.ambiguities
	place.trap_class == "lost_text"
	finding := {
		"target": place.ref,
		"path": trim_space(sprintf("%s %s", [place.path, place.trap])),
		"message": sprintf("a part of %s is lost: %s", [place.subject, place.detail]),
		"evidence": place.because,
		"severity": _severity[place.weight],
	}
}

_severity := {"security": "medium", "other": "low"}
