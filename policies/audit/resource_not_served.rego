# METADATA
# title: The audit policy names a resource that its group does not have
# description: |
#   Deployments belong to the group apps, not to the core group: a rule that names them under the
#   wrong group never matches them, and another rule decides what is recorded.
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
#   no_remedy: "which group or resource was meant only its author knows"
#   controls: [CIS-3.2.2]
#   since: "0.1"
package kguard.audit.resource_not_served

deny contains finding if {
	some policy in input.policies
	some lint in policy.lints
	lint.kind == "not-served"
	finding := {
		"target": policy.ref,
		"path": lint.path,
		"message": lint.text,
		"evidence": lint.because,
	}
}
