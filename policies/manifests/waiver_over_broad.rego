# METADATA
# title: A waiver would silence any policy or any target
# description: |
#   A waiver accepts one known finding; one that covers everything would also silence what nobody has seen yet, so it does not count.
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
package kguard.manifests.waiver_over_broad

deny contains finding if {
	some waiver in input.waivers
	waiver.state == "over-broad"
	finding := {
		"target": waiver.ref,
		"path": waiver.policy,
		"message": sprintf("the waiver of %s does not count: %s", [waiver.policy, waiver.reason]),
		"evidence": waiver.because,
	}
}
