# METADATA
# title: Image policy only warns
# description: |
#   The policy checks signatures and lets every image in all the same: whoever deploys gets a
#   warning, which pipelines do not read. For policy-controller it is `mode: warn`, for Gatekeeper
#   `enforcementAction: warn`.
# scope: package
# related_resources:
#   - https://docs.sigstore.dev/policy-controller/overview/
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
package kguard.images.enforcer_warns_only

deny contains finding if {
	some policy in input.policies
	policy.action == "warn"
	finding := {
		"target": policy.ref,
		"path": policy.rule,
		"message": sprintf("%s lets every image in: its action is warn", [policy.ref.name]),
		"evidence": policy.action_because,
	}
}
