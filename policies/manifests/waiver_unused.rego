# METADATA
# title: A waiver is not needed
# description: |
#   No finding matches the waiver: it was fixed, renamed or misspelt, and would silence a later finding unseen.
# scope: package
# schemas:
#   - input: schema.waivers
# custom:
#   severity: low
#   layer: manifests
#   kind: posture
#   subjects: waivers
#   no_remedy: "only its owner knows whether the acceptance still holds"
#   since: "0.1"
package kguard.manifests.waiver_unused

deny contains finding if {
	some waiver in input.waivers
	waiver.state == "unused"
	finding := {
		"target": waiver.ref,
		"path": waiver.policy,
		"message": sprintf("the waiver of %s is not needed any more", [waiver.policy]),
		"evidence": waiver.because,
	}
}
