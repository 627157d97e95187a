# METADATA
# title: A waiver has expired
# description: |
#   The finding that it accepted counts again. An accepted risk needs an owner who renews it.
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
package kguard.manifests.waiver_expired

deny contains finding if {
	some waiver in input.waivers
	waiver.state == "expired"
	finding := {
		"target": waiver.ref,
		"path": waiver.policy,
		"message": sprintf("the waiver of %s no longer counts: %s", [waiver.policy, waiver.reason]),
		"evidence": waiver.because,
	}
}
