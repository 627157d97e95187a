# METADATA
# title: The audit policy misses key security concerns of the benchmark
# description: |
#   CIS 3.2.2 wants Secrets, ConfigMaps and TokenReviews recorded at Metadata and no higher, and
#   at least Metadata for changes of Pods and Deployments and for exec, port-forward and the
#   proxies. Judged by what the API server does with each request, not by the words in the
#   rules.
# scope: package
# related_resources:
#   - https://kubernetes.io/docs/tasks/debug/debug-cluster/audit/
# schemas:
#   - input: schema.audit
# custom:
#   severity: medium
#   layer: audit
#   kind: posture
#   subjects: policies
#   remedy: mend_policy
#   controls: [CIS-3.2.2]
#   since: "0.1"
package kguard.audit.key_concerns

deny contains finding if {
	some policy in input.policies
	missed := [concern | some concern in policy.concerns; concern.state == "hole"]
	count(missed) > 0
	titles := concat(", ", [concern.title | some concern in missed])
	finding := {
		"target": policy.ref,
		"path": "",
		"message": sprintf("key concerns that are not recorded for everybody: %s", [titles]),
		"evidence": [step | some hole in missed[0].holes; some step in hole.because],
	}
}
