# METADATA
# title: Changes are not recorded
# description: |
#   Some request that changes an object leaves no event: an earlier rule says None, a verb such
#   as deletecollection is missing, the stage that proves the request is left out, or no rule
#   matches. The finding names one such request and the rule that decides it.
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
#   controls: [CIS-3.2.2, SOC2-CC7.1, ATTACK-M1047]
#   since: "0.1"
package kguard.audit.writes_unrecorded

deny contains finding if {
	some policy in input.policies
	some family in policy.families
	_judged(family)
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
	_judged(family)
	family.state == "unknown"
	finding := {
		"target": policy.ref,
		"path": family.id,
		"message": sprintf("the policy is too large to say whether all %s are recorded", [family.title]),
		"evidence": policy.because,
	}
}

_judged(family) if family.id == "writes"

_judged(family) if family.origin == "own"
