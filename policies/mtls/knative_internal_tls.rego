# METADATA
# title: Knative's own encryption is not mutual TLS
# description: |
#   The setting encrypts the way from ingress over activator to the pods. Only servers show a
#   certificate, so a pod still does not know who calls it; metrics and control traffic stay as they
#   are. It replaces no STRICT mode.
# scope: package
# related_resources:
#   - https://knative.dev/docs/serving/encryption/encryption-overview/
# schemas:
#   - input: schema.mtls
# custom:
#   severity: info
#   layer: mtls
#   kind: posture
#   subjects: knative
#   no_remedy: "nothing is wrong with it: it is named so that it is not counted as mutual TLS"
#   controls: [SOC2-CC6.7, ATTACK-M1041]
#   since: "0.1"
package kguard.mtls.knative_internal_tls

deny contains finding if {
	some setting in input.knative
	setting.kind == "server_tls"
	setting.value == "enabled"
	finding := {
		"target": setting.ref,
		"path": setting.key,
		"message": sprintf("%s gives TLS in which only the server proves who it is: not mutual TLS", [setting.key]),
		"evidence": setting.because,
	}
}
