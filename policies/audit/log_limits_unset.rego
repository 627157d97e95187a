# METADATA
# title: The limits of the audit log are left to defaults
# description: |
#   Benchmarks read the flags. Before Kubernetes 1.36 an unset limit means that the log grows
#   without bound; since 1.36 the defaults (366 days, 100 files, 100 MB) exceed what the
#   benchmark asks, but the flags still read as missing.
# scope: package
# related_resources:
#   - https://kubernetes.io/docs/reference/command-line-tools-reference/kube-apiserver/
# schemas:
#   - input: schema.audit
# custom:
#   severity: info
#   layer: audit
#   kind: posture
#   subjects: servers
#   remedy: mend_server
#   controls: [CIS-1.2.17, CIS-1.2.18, CIS-1.2.19]
#   since: "0.1"
package kguard.audit.log_limits_unset

deny contains finding if {
	some server in input.servers
	server.recording == "on"
	server.backend in {"log", "both"}
	unset := [entry | some entry in server.retention; entry.state in {"default", "unknown"}]
	count(unset) > 0
	names := concat(", ", [entry.flag | some entry in unset])
	finding := {
		"target": server.ref,
		"path": "",
		"message": sprintf("left to the defaults of the server: %s", [names]),
		"evidence": [step | some entry in unset; some step in entry.because],
	}
}
