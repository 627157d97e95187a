# METADATA
# title: Reads of secrets or requests for tokens are not recorded
# description: |
#   Whoever reads secrets or asks for service account tokens takes an identity with him.
#   Policies that record changes only never show it.
# scope: package
# related_resources:
#   - https://kubernetes.io/docs/tasks/debug/debug-cluster/audit/
# schemas:
#   - input: schema.audit
# custom:
#   severity: high
#   layer: audit
#   kind: effect
#   subjects: policies
#   remedy: mend_policy
#   controls: [CIS-3.2.2, ATTACK-M1047]
#   since: "0.1"
package kguard.audit.credentials_unrecorded

deny contains finding if {
	some policy in input.policies
	some family in policy.families
	family.id in {"secret_reads", "token_requests"}
	lost := [hole | some hole in family.holes; hole.level == "None"]
	count(lost) > 0
	finding := {
		"target": policy.ref,
		"path": family.id,
		"message": sprintf("%s can go unrecorded, for example: %s", [family.title, lost[0].witness.text]),
		"evidence": [step | some hole in lost; some step in hole.because],
	}
}

unknown contains finding if {
	some policy in input.policies
	some family in policy.families
	family.id in {"secret_reads", "token_requests"}
	family.state == "unknown"
	finding := {
		"target": policy.ref,
		"path": family.id,
		"message": sprintf("the policy is too large to say whether all %s are recorded", [family.title]),
		"evidence": policy.because,
	}
}
