# METADATA
# title: Nothing shows whether the API server records anything
# description: |
#   The input is a whole cluster, but holds neither an audit policy nor the configuration of an
#   API server. Managed clusters configure auditing outside of Kubernetes: there the provider's
#   settings have to be looked at.
# scope: package
# related_resources:
#   - https://kubernetes.io/docs/tasks/debug/debug-cluster/audit/
# schemas:
#   - input: schema.audit
# custom:
#   severity: medium
#   layer: audit
#   kind: posture
#   subjects: servers
#   remedy: new_policy
#   controls: [CIS-3.2.1, SOC2-CC7.2]
#   since: "0.1"
package kguard.audit.no_evidence

deny contains finding if {
	input.scope == "cluster"
	input.presence == "absent"
	finding := {
		"target": {"kind": "APIServer", "name": "kube-apiserver"},
		"path": "",
		"message": "no audit policy and no configuration of an API server in the input",
		"evidence": [{"note": "looked for audit policies and for API servers of kubeadm, kind, k3s, RKE2 and in pods"}],
	}
}

unknown contains finding if {
	input.scope == "cluster"
	input.presence == "unknown"
	some step in input.unread
	finding := {
		"target": {"kind": "APIServer", "name": "kube-apiserver"},
		"path": "",
		"message": "what could be read does not show whether the API server records anything",
		"evidence": [step],
	}
}
