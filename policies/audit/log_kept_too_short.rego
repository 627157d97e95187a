# METADATA
# title: The audit log is kept too short
# description: |
#   The log is cut by age, by the number of files and by their size, whichever comes first. The
#   effective values count, with the defaults of the server's version; 0 stands for no limit.
# scope: package
# related_resources:
#   - https://kubernetes.io/docs/reference/command-line-tools-reference/kube-apiserver/
# schemas:
#   - input: schema.audit
# custom:
#   severity: medium
#   layer: audit
#   kind: effect
#   subjects: servers
#   remedy: mend_server
#   controls: [CIS-1.2.17, CIS-1.2.18, CIS-1.2.19]
#   since: "0.1"
#   params:
#     min_age: {type: integer, default: 30}
#     min_backup: {type: integer, default: 10}
#     min_size: {type: integer, default: 100}
package kguard.audit.log_kept_too_short

deny contains finding if {
	some server in input.servers
	server.recording == "on"
	server.backend in {"log", "both"}
	some entry in server.retention
	least := _least[entry.flag]
	entry.value > 0
	entry.value < least
	finding := {
		"target": server.ref,
		"path": entry.flag,
		"message": sprintf("%s is %d; it should be at least %d", [entry.flag, entry.value, least]),
		"evidence": entry.because,
	}
}

_params := input.params["audit/log-kept-too-short"]

_least := {
	"audit-log-maxage": _params.min_age,
	"audit-log-maxbackup": _params.min_backup,
	"audit-log-maxsize": _params.min_size,
}
