# METADATA
# title: The API server cannot reach its audit files
# description: |
#   A static pod sees only what its volumes mount. A policy file outside of every mount, or a
#   log in a read-only one, keeps kube-apiserver from starting.
# scope: package
# related_resources:
#   - https://kubernetes.io/docs/reference/command-line-tools-reference/kube-apiserver/
# schemas:
#   - input: schema.audit
# custom:
#   severity: critical
#   layer: audit
#   kind: effect
#   subjects: servers
#   remedy: mend_server
#   controls: [CIS-1.2.16, CIS-3.2.1]
#   since: "0.1"
package kguard.audit.files_out_of_reach

deny contains finding if {
	some server in input.servers
	some problem in _problems(server)
	finding := {
		"target": server.ref,
		"path": problem.path,
		"message": sprintf("the API server of %s does not start: %s", [server.ref.name, problem.text]),
		"evidence": server.because_reach,
	}
}

_problems(server) := policy | log if {
	policy := {p | server.policy_reach == "missing"; p := _unseen(server)}
	log := {p | server.log_reach == "read-only"; p := _read_only}
}

_unseen(server) := {
	"path": "audit-policy-file",
	"text": sprintf("its container does not see %s", [server.policy_file]),
}

_read_only := {"path": "audit-log-path", "text": "the log lies in a read-only mount"}
