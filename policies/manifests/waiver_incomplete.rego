# METADATA
# title: A waiver lacks owner, reason or expiry
# description: |
#   Acceptance without an owner, a reason and an end is no acceptance: the waiver does not count.
# scope: package
# schemas:
#   - input: schema.waivers
# custom:
#   severity: medium
#   layer: manifests
#   kind: posture
#   subjects: waivers
#   no_remedy: "only its owner knows whether the acceptance still holds"
#   since: "0.1"
package kguard.manifests.waiver_incomplete

deny contains finding if {
	some waiver in input.waivers
	waiver.state == "incomplete"
	finding := {
		"target": waiver.ref,
		"path": waiver.policy,
		"message": sprintf("the waiver of %s does not count: %s", [waiver.policy, waiver.reason]),
		"evidence": waiver.because,
	}
}
