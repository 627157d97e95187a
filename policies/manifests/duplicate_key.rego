# METADATA
# title: Key that stands twice in one object
# description: |
#   kubectl keeps the last of two equal keys without a word, kustomize refuses the file, others keep the first.
#   Whoever reads the file sees one of the values, the cluster may run the other.
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
package kguard.manifests.duplicate_key

deny contains finding if {
	some place in input.ambiguities
	place.trap_class == "repeated_key"
	finding := {
		"target": place.ref,
		"path": trim_space(sprintf("%s %s", [place.path, place.trap])),
		"message": sprintf("readers disagree about %s: %s", [place.subject, place.detail]),
		"evidence": place.because,
		"severity": _severity[place.weight],
	}
}

_severity := {"security": "medium", "other": "low"}
