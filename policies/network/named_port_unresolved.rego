# METADATA
# title: A rule names a port that no pod declares
# description: |
#   A port name in a rule means the container port of that name and protocol on the pods that
#   receive the connection. No pod in question declares it, so the rule admits nothing.
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
#   no_remedy: "whether the rule or the container ports are misnamed, only their authors know"
#   controls: [CIS-5.3.2, ATTACK-M1030]
#   since: "0.1"
package kguard.network.named_port_unresolved

deny contains finding if {
	some policy in input.policies
	some defect in policy.unresolved
	finding := {
		"target": policy.ref,
		"path": defect.path,
		"message": sprintf("%s means nothing at port %s: no pod declares it", [
			policy.said,
			defect.text,
		]),
		"evidence": defect.because,
	}
}
