# METADATA
# title: A workload of the mesh accepts plaintext
# description: |
#   The workload has a proxy, but the PeerAuthentications that apply to it let connections through
#   that show no mesh identity. Anyone who reaches the pod can talk to it unencrypted, and rules
#   about callers cannot be relied on.
# scope: package
# related_resources:
#   - https://istio.io/latest/docs/reference/config/security/peer_authentication/
#   - https://istio.io/latest/docs/tasks/security/authentication/mtls-migration/
# schemas:
#   - input: schema.mtls
# custom:
#   severity: high
#   layer: mtls
#   kind: effect
#   subjects: workloads
#   remedy: strict
#   follows: [mtls/namespace-outside-mesh, mtls/workload-outside-mesh]
#   controls: [SOC2-CC6.7, ATTACK-M1041]
#   since: "0.1"
package kguard.mtls.accepts_plaintext

deny contains finding if {
	some workload in input.workloads
	workload.role == "application"
	workload.serves == "ports"
	some group in workload.modes
	_open(group)
	finding := {
		"target": workload.ref,
		"path": "",
		"message": sprintf("%s accepts plaintext on %s: %s", [workload.ref.name, _ports(group), _why(group)]),
		"evidence": group.because,
		"severity": _severity(group),
	}
}

_open(group) if {
	group.effective in {"permissive", "disable"}
	group.decided_at in {"default", "mesh", "namespace", "workload"}
	group.caller == "any"
	group.divergence == "none"
}

_ports(group) := "every port" if group.ports == ["other"]

_ports(group) := sprintf("port %s", [concat(", ", group.ports)]) if not "other" in group.ports

_ports(group) := sprintf("every port (%s and all others)", [concat(", ", named)]) if {
	count(group.ports) > 1
	"other" in group.ports
	named := [port | some port in group.ports; port != "other"]
}

_why(group) := sprintf("%s decides", [group.decided_by]) if group.decided_at in {"mesh", "namespace", "workload"}

_why(group) := "no policy says otherwise" if group.decided_at == "default"

# in the manifests of one application, a mesh-wide policy may well stand elsewhere
_severity(group) := "medium" if {
	group.decided_at == "default"
	input.scope == "app"
}

_severity(group) := "high" if {
	group.decided_at in {"mesh", "namespace", "workload"}
}

_severity(group) := "high" if {
	group.decided_at == "default"
	input.scope == "cluster"
}
