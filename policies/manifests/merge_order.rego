# METADATA
# title: Merge key that overrides what stands before it
# description: |
#   kubectl applies `<<` where it stands, so that it overrides keys before it; every other reader lets the object's
#   own keys win. A protection that looks switched on is switched off, or the other way round.
# scope: package
# related_resources:
#   - https://kubernetes.io/docs/reference/using-api/api-concepts/
# schemas:
#   - input: schema.manifests
# custom:
#   severity: high
#   layer: manifests
#   kind: effect
#   subjects: ambiguities
#   no_remedy: "only the author knows which reading is meant"
#   since: "0.1"
package kguard.manifests.merge_order

deny contains finding if {
	some place in input.ambiguities
	place.trap_class == "merge"
	finding := {
		"target": place.ref,
		"path": trim_space(sprintf("%s %s", [place.path, place.trap])),
		"message": sprintf("readers disagree about %s: %s", [place.subject, place.detail]),
		"evidence": place.because,
		"severity": _severity[place.weight],
	}
}

_severity := {"security": "high", "other": "low"}
