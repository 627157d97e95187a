# METADATA
# title: Text that readers join differently
# description: |
#   Folded lines, tags, repeated anchors, byte order marks and missing final line breaks give slightly different
#   strings in kubectl and kustomize.
# scope: package
# related_resources:
#   - https://kubernetes.io/docs/reference/using-api/api-concepts/
# schemas:
#   - input: schema.manifests
# custom:
#   severity: info
#   layer: manifests
#   kind: effect
#   subjects: ambiguities
#   no_remedy: "only the author knows which reading is meant"
#   since: "0.1"
package kguard.manifests.odd_text

deny contains finding if {
	some place in input.ambiguities
	place.trap_class == "odd_text"
	finding := {
		"target": place.ref,
		"path": trim_space(sprintf("%s %s", [place.path, place.trap])),
		"message": sprintf("readers disagree about %s: %s", [place.subject, place.detail]),
		"evidence": place.because,
		"severity": _severity[place.weight],
	}
}

_severity := {"security": "info", "other": "info"}
