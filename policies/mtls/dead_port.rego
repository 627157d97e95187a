# METADATA
# title: A port of portLevelMtls is none of the pods
# description: |
#   portLevelMtls names ports of containers, not of Services. An entry for a port that no selected
#   pod declares decides nothing, and the port that was meant keeps the mode of the workload.
# scope: package
# related_resources:
#   - https://istio.io/latest/docs/reference/config/security/peer_authentication/
#   - https://github.com/istio/istio/issues/49098
# schemas:
#   - input: schema.mtls
# custom:
#   severity: low
#   layer: mtls
#   kind: posture
#   subjects: policies
#   no_remedy: "which port was meant is known to the author of the policy only"
#   controls: [SOC2-CC6.7, ATTACK-M1041]
#   since: "0.1"
package kguard.mtls.dead_port

deny contains finding if {
	some policy in input.policies
	policy.origin == "user"
	policy.state == "decides"
	some entry in policy.dead_ports
	finding := {
		"target": policy.ref,
		"path": sprintf("port/%s", [entry.port]),
		"message": sprintf("PeerAuthentication %s/%s sets a mode for port %s: %s", [
			policy.ref.namespace,
			policy.ref.name,
			entry.port,
			_words[entry.reason],
		]),
		"evidence": entry.because,
		"severity": _severities[entry.reason],
	}
}

_words := {
	"service_port": "that is a Service's port, the pods listen on another one",
	"undeclared": "no container of the pods that it selects declares it",
}

_severities := {
	"service_port": "medium",
	"undeclared": "low",
}
