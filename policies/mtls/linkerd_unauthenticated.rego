# METADATA
# title: A workload of Linkerd's mesh admits clients without identity
# description: |
#   The pod has Linkerd's proxy, but the policy of the port lets in connections that are not
#   authenticated: by the default policy, by a Server's accessPolicy, or by an authorization; or the
#   proxy does not see the port at all. Whoever reaches the pod can talk to it in plaintext.
# scope: package
# related_resources:
#   - https://linkerd.io/2/reference/authorization-policy/
# schemas:
#   - input: schema.mtls
# custom:
#   severity: high
#   layer: mtls
#   kind: effect
#   subjects: linkerd
#   no_remedy: "who calls without a proxy has to be known first; then set the default to all-authenticated"
#   controls: [SOC2-CC6.7, ATTACK-M1041]
#   since: "0.1"
package kguard.mtls.linkerd_unauthenticated

deny contains finding if {
	some workload in input.linkerd
	some group in workload.modes
	group.accepts in {"unauthenticated", "tls", "uncaptured"}
	finding := {
		"target": workload.ref,
		"path": concat("/", group.ports),
		"message": sprintf("%s admits %s on %s: %s", [
			workload.ref.name,
			_words[group.accepts],
			_ports(group),
			group.decided_by,
		]),
		"evidence": group.because,
		"severity": _severity(group),
	}
}

unknown contains finding if {
	some workload in input.linkerd
	some group in workload.modes
	group.accepts == "unknown"
	finding := {
		"target": workload.ref,
		"path": concat("/", group.ports),
		"message": sprintf("whom %s admits on %s cannot be told", [workload.ref.name, _ports(group)]),
		"evidence": group.because,
	}
}

_ports(group) := sprintf("port %s", [concat(", ", group.ports)]) if not "other" in group.ports

_ports(group) := "every port that nothing names" if group.ports == ["other"]

_ports(group) := sprintf("port %s and all others", [concat(", ", named)]) if {
	count(group.ports) > 1
	"other" in group.ports
	named := [port | some port in group.ports; port != "other"]
}

_words := {
	"unauthenticated": "clients without identity",
	"tls": "TLS without an identity of the client",
	"uncaptured": "anybody, past the proxy,",
}

# in the manifests of one application, the cluster's default may well be another one
_severity(group) := "medium" if {
	startswith(group.decided_by, "default policy")
	input.scope == "app"
}

_severity(group) := "high" if startswith(group.decided_by, "Server")

_severity(group) := "medium" if group.accepts == "uncaptured"

_severity(group) := "high" if {
	startswith(group.decided_by, "default policy")
	input.scope == "cluster"
}
