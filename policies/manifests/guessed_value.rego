# METADATA
# title: Value whose type depends on the reader
# description: |
#   Words such as `on` and `y`, numbers with leading zeros, exponents or colons, and keys that are numbers are
#   read as different values by kubectl, kustomize and other tools.
# scope: package
# related_resources:
#   - https://kubernetes.io/docs/reference/using-api/api-concepts/
# schemas:
#   - input: schema.manifests
# custom:
#   severity: low
#   layer: manifests
#   kind: effect
#   subjects: ambiguities
#   no_remedy: "only the author knows which reading is meant"
#   since: "0.1"
package kguard.manifests.guessed_value

deny contains finding if {
	some place in input.ambiguities
	place.trap_class == "guessed_value"
	finding := {
		"target": place.ref,
		"path": trim_space(sprintf("%s %s", [place.path, place.trap])),
		"message": sprintf("readers disagree about %s: %s", [place.subject, place.detail]),
		"evidence": place.because,
		"severity": _severity[place.weight],
	}
}

_severity := {"security": "low", "other": "info"}
