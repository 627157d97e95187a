# METADATA
# title: Certificates of workloads live too long
# description: |
#   A stolen key is good until its certificate expires. The lifetime of workload certificates is
#   set beyond the limit; Istio renews at half of it, its default is 24 hours.
# scope: package
# related_resources:
#   - https://istio.io/latest/docs/reference/commands/pilot-discovery/
# schemas:
#   - input: schema.mtls
# custom:
#   severity: low
#   layer: mtls
#   kind: posture
#   subjects: certificates
#   no_remedy: "the lifetime is one value, and its owner sets it"
#   controls: [SOC2-CC6.7, ATTACK-M1041]
#   since: "0.1"
#   params: {max_hours: {type: integer, default: 24}}
package kguard.mtls.certificate_long_lived

deny contains finding if {
	some certificate in input.certificates
	certificate.subject == "workload"
	certificate.seconds > input.params["mtls/certificate-long-lived"].max_hours * 3600
	finding := {
		"target": certificate.ref,
		"path": certificate.name,
		"message": sprintf("certificates of workloads live %d hours (%s), at most %d are accepted", [
			certificate.seconds / 3600,
			certificate.name,
			input.params["mtls/certificate-long-lived"].max_hours,
		]),
		"evidence": certificate.because,
	}
}
