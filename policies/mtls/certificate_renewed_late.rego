# METADATA
# title: A certificate is renewed only when it has almost expired
# description: |
#   Proxies renew at half of a certificate's life, cert-manager at two thirds. Where the renewal is
#   put off to the very end, an authority that is away for a moment stops the traffic.
# scope: package
# related_resources:
#   - https://istio.io/latest/docs/reference/commands/pilot-agent/
#   - https://cert-manager.io/docs/usage/certificate/#renewal
# schemas:
#   - input: schema.mtls
# custom:
#   severity: medium
#   layer: mtls
#   kind: posture
#   subjects: certificates
#   no_remedy: "how early is a matter of how long its issuer may be away"
#   controls: [SOC2-CC6.7, ATTACK-M1041]
#   since: "0.1"
#   params: {latest_percent: {type: integer, default: 90}}
package kguard.mtls.certificate_renewed_late

deny contains finding if {
	some certificate in input.certificates
	certificate.renewed_at > input.params["mtls/certificate-renewed-late"].latest_percent
	finding := {
		"target": certificate.ref,
		"path": concat("/", [certificate.subject, certificate.name]),
		"message": sprintf("%s: renewed after %d %% of its life, at most %d %% are accepted", [
			certificate.name,
			certificate.renewed_at,
			input.params["mtls/certificate-renewed-late"].latest_percent,
		]),
		"evidence": certificate.because,
	}
}
