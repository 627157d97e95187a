# METADATA
# title: Events are read in plaintext
# description: |
#   The brokers that the source reads from lie outside the mesh, so that no PeerAuthentication
#   protects this connection. Without TLS of its own anyone on the way reads and changes events.
# scope: package
# related_resources:
#   - https://knative.dev/docs/eventing/sources/kafka-source/
# schemas:
#   - input: schema.mtls
# custom:
#   severity: medium
#   layer: mtls
#   kind: effect
#   subjects: events
#   no_remedy: "the brokers must offer TLS and their CA must be known first; then set spec.net.tls"
#   controls: [SOC2-CC6.7, ATTACK-M1041]
#   since: "0.1"
package kguard.mtls.events_plaintext

deny contains finding if {
	some source in input.events
	source.transport == "plaintext"
	finding := {
		"target": source.ref,
		"path": "spec.net.tls",
		"message": sprintf("%s reads events from %s in plaintext", [source.ref.name, source.brokers]),
		"evidence": source.because,
	}
}
