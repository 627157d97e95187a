# METADATA
# title: A gateway for the mesh alone asks for no mesh identity
# description: |
#   Only names or Services of the cluster lead to this server of the gateway, so its clients could
#   show a mesh identity. It accepts plaintext or TLS without a client certificate all the same, and
#   PeerAuthentication does not act on gateways.
# scope: package
# related_resources:
#   - https://istio.io/latest/docs/reference/config/networking/gateway/#ServerTLSSettings-TLSmode
# schemas:
#   - input: schema.mtls
# custom:
#   severity: medium
#   layer: mtls
#   kind: effect
#   subjects: gateways
#   no_remedy: "its clients have to be in the mesh before tls.mode ISTIO_MUTUAL; who they are is not in the manifests"
#   controls: [SOC2-CC6.7, ATTACK-M1041]
#   since: "0.1"
package kguard.mtls.gateway_not_mutual

deny contains finding if {
	some server in input.gateways
	server.audience == "mesh"
	server.accepts in {"plaintext", "tls"}
	finding := {
		"target": server.ref,
		"path": server.server,
		"message": sprintf("gateway %s serves the mesh on port %d with %s: no client proves who it is", [
			server.ref.name,
			server.port,
			_words[server.accepts],
		]),
		"evidence": server.because,
	}
}

_words := {
	"plaintext": "plaintext",
	"tls": "TLS of its own",
}
