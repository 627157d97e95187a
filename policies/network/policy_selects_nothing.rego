# METADATA
# title: A policy selects no pod
# description: |
#   The labels that the policy asks for occur on no workload of its namespace: what it was written
#   to protect is not protected by it. A policy for every pod of the namespace is not meant here.
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
#   no_remedy: "whether the selector or the labels of the pods are wrong, only their authors know"
#   controls: [CIS-5.3.2, ATTACK-M1030]
#   since: "0.1"
package kguard.network.policy_selects_nothing

deny contains finding if {
	some policy in input.policies
	policy.state in {"in_force", "not_enforced"}
	policy.selects == 0
	policy.named == true
	finding := {
		"target": policy.ref,
		"path": "",
		"message": sprintf("%s protects nothing: no workload has these labels%s", [
			policy.said,
			_hint(policy.near),
		]),
		"evidence": policy.because,
		"severity": _severity(policy),
	}
}

_hint("") := ""

_hint(near) := sprintf(" (%s)", [near]) if near != ""

# the pods of a policy may well stand beside the manifests of one application
_severity(policy) := "low" if {
	policy.near == ""
	input.scope == "app"
}

_severity(policy) := "medium" if {
	policy.near == ""
	input.scope == "cluster"
}

_severity(policy) := "high" if policy.near != ""
