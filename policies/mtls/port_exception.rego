# METADATA
# title: A port is taken out of mutual TLS
# description: |
#   An entry of portLevelMtls lets plaintext through on one port of a workload. Ports that only
#   the API server calls (webhooks) are left aside: it has no mesh identity. An exemption with a
#   reason and a last day (annotation exception.kguard.dev/PORT) weighs less until that day.
# scope: package
# related_resources:
#   - https://istio.io/latest/docs/reference/config/security/peer_authentication/
# schemas:
#   - input: schema.mtls
# custom:
#   severity: high
#   layer: mtls
#   kind: effect
#   subjects: workloads
#   remedy: strict_port
#   follows: [mtls/namespace-outside-mesh, mtls/workload-outside-mesh]
#   controls: [SOC2-CC6.7, ATTACK-M1041]
#   since: "0.1"
package kguard.mtls.port_exception

deny contains finding if {
	some workload in input.workloads
	some group in workload.modes
	group.listener == "seen"
	group.decided_at == "port"
	group.effective in {"permissive", "disable"}
	group.caller == "any"
	group.divergence == "none"
	some port in group.ports
	finding := {
		"target": workload.ref,
		"path": sprintf("port/%s", [port]),
		"message": sprintf("%s:%s accepts plaintext: %s exempts the port%s%s", [
			workload.ref.name,
			port,
			group.decided_by,
			_although(workload),
			_term(group),
		]),
		"evidence": group.because,
		"severity": _severities[group.exemption],
	}
}

_although(workload) := ", although the workload is STRICT" if workload.intended == "strict"

_although(workload) := "" if workload.intended in {"permissive", "disable"}

_severities := {
	"none": "high",
	"documented": "low",
	"expired": "high",
}

_term(group) := "" if group.exemption == "none"

_term(group) := sprintf(", with a reason until %s", [group.until]) if group.exemption == "documented"

_term(group) := sprintf("; the exception ended on %s", [group.until]) if group.exemption == "expired"
