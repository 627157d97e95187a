# METADATA
# title: A rule of the audit policy has no effect
# description: |
#   The first rule that matches decides. A rule behind wider ones, or one that names users,
#   verbs or namespaces with a * (which stands for itself), decides no request: whoever reads
#   the policy believes something else than the API server does.
# scope: package
# related_resources:
#   - https://kubernetes.io/docs/tasks/debug/debug-cluster/audit/
# schemas:
#   - input: schema.audit
# custom:
#   severity: low
#   layer: audit
#   kind: effect
#   subjects: policies
#   no_remedy: "whether the rule should move, change or go is its author's choice"
#   controls: [CIS-3.2.2]
#   since: "0.1"
package kguard.audit.rule_without_effect

deny contains finding if {
	some policy in input.policies
	some lint in policy.lints
	lint.kind in {"shadowed", "never-matches"}
	finding := {
		"target": policy.ref,
		"path": lint.path,
		"message": sprintf("the rule \"%s\" has no effect: %s", [lint.path, lint.text]),
		"evidence": lint.because,
	}
}
