# METADATA
# title: A gateway serves plaintext
# description: |
#   A server of the gateway accepts HTTP or TCP without TLS and does more than to redirect or to
#   answer ACME's challenges, which begin in plaintext.
#   PeerAuthentication does not act on gateways: the servers of the Gateway decide alone.
# scope: package
# related_resources:
#   - https://istio.io/latest/docs/reference/config/networking/gateway/
# schemas:
#   - input: schema.mtls
# custom:
#   severity: medium
#   layer: mtls
#   kind: effect
#   subjects: gateways
#   remedy: redirect_http
#   controls: [SOC2-CC6.7, ATTACK-M1041]
#   since: "0.1"
package kguard.mtls.gateway_plaintext

deny contains finding if {
	some server in input.gateways
	server.accepts == "plaintext"
	server.audience in {"outside", "unknown"}
	finding := {
		"target": server.ref,
		"path": server.server,
		"message": sprintf("gateway %s accepts plaintext on port %d (%s), and PeerAuthentication has no say on gateways", [
			server.ref.name,
			server.port,
			server.protocol,
		]),
		"evidence": server.because,
	}
}

unknown contains finding if {
	some server in input.gateways
	server.accepts == "unknown"
	finding := {
		"target": server.ref,
		"path": server.server,
		"message": sprintf("what gateway %s accepts on port %d cannot be told", [server.ref.name, server.port]),
		"evidence": server.because,
	}
}
