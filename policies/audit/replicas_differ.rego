# METADATA
# title: API servers of one cluster are audited differently
# description: |
#   Every API server of a control plane writes its own log by its own flags. Where one of them has
#   another policy or another target, what is recorded depends on which server
#   a client happens to reach.
# scope: package
# related_resources:
#   - https://kubernetes.io/docs/tasks/debug/debug-cluster/audit/
# schemas:
#   - input: schema.audit
# custom:
#   severity: high
#   layer: audit
#   kind: effect
#   subjects: divergences
#   no_remedy: "which of the servers is right is for the operator to say"
#   controls: [CIS-1.2.16, SOC2-CC7.2]
#   since: "0.1"
package kguard.audit.replicas_differ

deny contains finding if {
	some divergence in input.divergences
	finding := {
		"target": divergence.ref,
		"path": divergence.flag,
		"message": sprintf("not audited as the other API servers are: %s", [divergence.text]),
		"evidence": divergence.because,
	}
}
