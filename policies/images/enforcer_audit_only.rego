# METADATA
# title: Image policy only warns
# description: |
#   The policy checks signatures and lets every image in all the same: a warning to whoever
#   deploys, or a line in a report. For Kyverno this is the default, for policy-controller it is
#   `mode: warn`.
# scope: package
# related_resources:
#   - https://docs.sigstore.dev/policy-controller/overview/
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
	some action in ["warn", "audit"]
	policy.action == action
	finding := {
		"target": policy.ref,
		"path": policy.rule,
		"message": sprintf("%s lets every image in: its action is %s", [policy.ref.name, action]),
		"evidence": policy.action_because,
	}
}
