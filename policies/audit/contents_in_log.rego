# METADATA
# title: Secrets or configuration are written to the audit log
# description: |
#   Bodies of Secrets, of token reviews and token requests at the levels Request or
#   RequestResponse put the credentials themselves into the log, where more people and systems
#   read them than in the cluster. ConfigMaps often hold credentials, too.
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
#   controls: [CIS-3.2.2, SOC2-CC6.1]
#   since: "0.1"
package kguard.audit.contents_in_log

deny contains finding if {
	some policy in input.policies
	some excess in policy.excesses
	finding := {
		"target": policy.ref,
		"path": sprintf("%s: %s", [excess.limit, excess.rule]),
		"message": sprintf("%s gets into the log: %s (%s)", [excess.title, excess.witness.text, excess.level]),
		"severity": _severity(excess),
		"evidence": excess.because,
	}
}

_severity(excess) := "medium" if excess.limit == "configmap_bodies"

_severity(excess) := "high" if excess.limit in {"secret_bodies", "token_bodies"}
