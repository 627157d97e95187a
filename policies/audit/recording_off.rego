# METADATA
# title: The API server records nothing
# description: |
#   Without an audit policy file, or without a log path or a webhook, kube-apiserver writes no
#   event at all, whatever other audit flags are set. Nobody can tell afterwards who changed or
#   read what.
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
#   controls: [CIS-1.2.16, CIS-3.2.1, SOC2-CC7.2, ATTACK-M1047]
#   since: "0.1"
package kguard.audit.recording_off

deny contains finding if {
	some server in input.servers
	server.recording == "off"
	reason := _reason(server)
	finding := {
		"target": server.ref,
		"path": "",
		"message": sprintf("the API server of %s records nothing: %s", [server.ref.name, reason]),
		"severity": _severity(server),
		"evidence": server.because,
	}
}

unknown contains finding if {
	some server in input.servers
	server.recording == "unknown"
	finding := {
		"target": server.ref,
		"path": "",
		"message": sprintf("whether the API server of %s records anything is not known%s", [server.ref.name, _doubt(server)]),
		"evidence": server.because,
	}
}

unknown contains finding if {
	some server in input.servers
	server.recording == "on"
	server.policy == "unknown"
	reason := "its policy is not in the input"
	message := sprintf("what the API server of %s records is not known: %s", [server.ref.name, reason])
	finding := {
		"target": server.ref,
		"path": "",
		"message": sprintf("%s; %s", [message, server.because[0].note]),
		"evidence": server.because,
	}
}

_doubt(server) := ": it has all flags, but its policy is not in the input" if server.verdict == "policy-unknown"

_doubt(server) := sprintf(": %s", [server.because[0].note]) if server.verdict == "managed-unknown"

_doubt(server) := "" if server.verdict == "unknown"

_reason(server) := reason if {
	server.counted in {"off", "silent"}
	reason := server.because[0].note
} else := reason if {
	server.backend == "managed"
	reason := server.because[0].note
} else := "it has no audit policy" if {
	server.policy == "absent"
} else := "it has no log path and no webhook" if {
	server.policy in {"valid", "invalid", "unknown"}
	server.backend == "none"
}

_severity(server) := "medium" if server.how == "kind"

_severity(server) := "critical" if server.how != "kind"
