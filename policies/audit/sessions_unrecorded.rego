# METADATA
# title: Sessions into pods and nodes are not recorded
# description: |
#   kubectl exec, attach and port-forward over WebSocket are GET requests (audit verb get), over
#   SPDY they are POST requests (verb create); the proxies take any verb. A policy that looks
#   for one verb misses the other.
# scope: package
# related_resources:
#   - https://kubernetes.io/docs/tasks/debug/debug-cluster/audit/
# schemas:
#   - input: schema.audit
# custom:
#   severity: high
#   layer: audit
#   kind: effect
#   subjects: policies
#   remedy: mend_policy
#   controls: [CIS-3.2.2, ATTACK-T1609]
#   since: "0.1"
package kguard.audit.sessions_unrecorded

deny contains finding if {
	some policy in input.policies
	some family in policy.families
	family.id in {"connections", "proxies"}
	lost := [hole | some hole in family.holes; hole.level == "None"]
	count(lost) > 0
	finding := {
		"target": policy.ref,
		"path": family.id,
		"message": sprintf("%s can go unrecorded, for example: %s", [family.title, lost[0].witness.text]),
		"evidence": [step | some hole in lost; some step in hole.because],
	}
}

unknown contains finding if {
	some policy in input.policies
	some family in policy.families
	family.id in {"connections", "proxies"}
	family.state == "unknown"
	finding := {
		"target": policy.ref,
		"path": family.id,
		"message": sprintf("the policy is too large to say whether all %s are recorded", [family.title]),
		"evidence": policy.because,
	}
}
