# METADATA
# title: The API server ignores a field of the audit policy
# description: |
#   Unknown and duplicate fields are accepted with a warning in the server's log. A misspelt or
#   misplaced condition makes its rule match more than it says.
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
#   no_remedy: "only its author knows what the field was meant to be"
#   controls: [CIS-3.2.1]
#   since: "0.1"
package kguard.audit.field_ignored

deny contains finding if {
	some policy in input.policies
	some lint in policy.lints
	lint.kind == "ignored-field"
	finding := {
		"target": policy.ref,
		"path": lint.path,
		"message": lint.text,
		"evidence": lint.because,
	}
}
