# METADATA
# title: Failed logins are not recorded
# description: |
#   A request whose authentication fails has no user, so that rules with users or groups never
#   match it, and it is only written at the stage ResponseStarted. A policy that leaves this
#   stage out loses every failed login while all else looks complete.
# scope: package
# related_resources:
#   - https://kubernetes.io/docs/tasks/debug/debug-cluster/audit/
# schemas:
#   - input: schema.audit
# custom:
#   severity: medium
#   layer: audit
#   kind: effect
#   subjects: policies
#   remedy: mend_policy
#   controls: [SOC2-CC7.2, ATTACK-M1047]
#   since: "0.1"
package kguard.audit.failed_logins_unrecorded

deny contains finding if {
	some policy in input.policies
	some family in policy.families
	family.id in {"failed_logins"}
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
	family.id in {"failed_logins"}
	family.state == "unknown"
	finding := {
		"target": policy.ref,
		"path": family.id,
		"message": sprintf("the policy is too large to say whether all %s are recorded", [family.title]),
		"evidence": policy.because,
	}
}
