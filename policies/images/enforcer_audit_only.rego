# METADATA
# title: Image policy only writes reports
# description: |
#   The policy checks signatures and lets every image in all the same; that one is bad stands in a
#   report, if anybody reads it. For Kyverno this is the default.
# scope: package
# related_resources:
#   - https://kyverno.io/docs/policy-types/cluster-policy/verify-images/
# schemas:
#   - input: schema.images
# custom:
#   severity: high
#   layer: images
#   kind: effect
#   subjects: policies
#   remedy: enforce_policy
#   controls: [CIS-5.5.1, ATTACK-M1045]
#   since: "0.1"
package kguard.images.enforcer_audit_only

deny contains finding if {
	some policy in input.policies
	policy.action == "audit"
	finding := {
		"target": policy.ref,
		"path": policy.rule,
		"message": sprintf("%s lets every image in: its action is audit", [policy.ref.name]),
		"evidence": policy.action_because,
	}
}
