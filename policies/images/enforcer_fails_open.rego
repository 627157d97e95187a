# METADATA
# title: Image policy fails open
# description: |
#   When the enforcer's webhook does not answer (it restarts, its certificate has expired, a network
#   policy cuts it off), the API server admits every pod. Who can make it slow can switch it off.
# scope: package
# related_resources:
#   - https://kubernetes.io/docs/reference/access-authn-authz/extensible-admission-controllers/#failure-policy
# schemas:
#   - input: schema.images
# custom:
#   severity: high
#   layer: images
#   kind: effect
#   subjects: policies
#   remedy: fail_closed
#   controls: [CIS-5.5.1, ATTACK-M1045]
#   since: "0.1"
package kguard.images.enforcer_fails_open

deny contains finding if {
	some policy in input.policies
	policy.fails_open == "true"
	finding := {
		"target": policy.opened_by,
		"path": "",
		"message": sprintf("%s lets every image in while the enforcer does not answer", [policy.opened_by.name]),
		"evidence": policy.open_because,
	}
}
