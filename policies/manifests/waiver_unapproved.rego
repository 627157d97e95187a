# METADATA
# title: A change brings its own waiver
# description: |
#   Settings are read from another revision (--settings-from), so that a change cannot accept its own
#   findings. A waiver that this revision lacks counts once it is merged.
# scope: package
# schemas:
#   - input: schema.waivers
# custom:
#   severity: low
#   layer: manifests
#   kind: posture
#   subjects: waivers
#   no_remedy: "somebody else than the author of the change decides about it"
#   since: "0.1"
package kguard.manifests.waiver_unapproved

deny contains finding if {
	some waiver in input.waivers
	waiver.state == "unapproved"
	finding := {
		"target": waiver.ref,
		"path": waiver.policy,
		"message": sprintf("the waiver of %s does not count: the revision that settings come from lacks it", [waiver.policy]),
		"evidence": waiver.because,
	}
}
