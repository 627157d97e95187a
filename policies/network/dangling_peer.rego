# METADATA
# title: A rule names pods that do not exist
# description: |
#   A rule admits pods by labels, in namespaces whose workloads are all known, and none has them.
#   Either the intended caller is cut off, or whoever first takes the labels gets in.
# scope: package
# related_resources:
#   - https://kubernetes.io/docs/concepts/services-networking/network-policies/
# schemas:
#   - input: schema.network
# custom:
#   severity: medium
#   layer: network
#   kind: posture
#   subjects: policies
#   no_remedy: "which pods were meant, only the author of the rule knows"
#   controls: [CIS-5.3.2, ATTACK-M1030]
#   since: "0.1"
package kguard.network.dangling_peer

deny contains finding if {
	some policy in input.policies
	some defect in policy.dangling
	finding := {
		"target": policy.ref,
		"path": defect.path,
		"message": sprintf("%s names pods that do not exist: %s", [
			policy.said,
			defect.text,
		]),
		"evidence": defect.because,
	}
}
