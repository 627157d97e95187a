# METADATA
# title: Somebody who may act as others is not recorded
# description: |
#   The policy judges a request by who sends it, never by whom he impersonates. Where a rule at
#   level None is about somebody who holds the right to impersonate, whatever he does in another
#   name leaves no trace either.
# scope: package
# related_resources:
#   - https://kubernetes.io/docs/reference/access-authn-authz/authentication/#user-impersonation
# schemas:
#   - input: schema.audit
# custom:
#   severity: high
#   layer: audit
#   kind: effect
#   subjects: policies
#   no_remedy: "either the rule is narrowed or the right is taken away: which of them is needed only the operator knows"
#   controls: [SOC2-CC7.2, ATTACK-T1562]
#   since: "0.1"
package kguard.audit.impersonation_unrecorded

deny contains finding if {
	some policy in input.policies
	some unseen in policy.unseen
	finding := {
		"target": policy.ref,
		"path": sprintf("%s: %s", [unseen.subject, unseen.rule]),
		"message": sprintf("%s may act as anybody, and what %s sends is left out: %s", [unseen.subject, unseen.subject, unseen.rule]),
		"evidence": unseen.because,
	}
}
