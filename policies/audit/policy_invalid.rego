# METADATA
# title: The API server does not start with this audit policy
# description: |
#   kube-apiserver refuses to start with a policy file that it cannot decode or validate. The
#   rules differ between versions: the group "*" is valid from 1.36 on.
# scope: package
# related_resources:
#   - https://kubernetes.io/docs/tasks/debug/debug-cluster/audit/
# schemas:
#   - input: schema.audit
# custom:
#   severity: critical
#   layer: audit
#   kind: effect
#   subjects: policies
#   no_remedy: "only its author knows what the refused field was meant to say"
#   controls: [CIS-3.2.1]
#   since: "0.1"
package kguard.audit.policy_invalid

deny contains finding if {
	some policy in input.policies
	policy.state == "invalid"
	some problem in policy.problems
	finding := {
		"target": policy.ref,
		"path": problem.path,
		"message": sprintf("the API server does not start with this policy: %s", [problem.text]),
		"evidence": problem.because,
	}
}

unknown contains finding if {
	some policy in input.policies
	policy.state == "unknown"
	some problem in policy.problems
	finding := {
		"target": policy.ref,
		"path": problem.path,
		"message": sprintf("it depends on the Kubernetes version whether this is accepted: %s", [problem.text]),
		"evidence": problem.because,
	}
}
