# METADATA
# title: A certificate of the mesh does not renew itself
# description: |
#   Rotation of the self-signed root is switched off, the plugged-in CA is kept by hand, or a
#   Certificate can never be renewed in time. When it expires, the mesh stops to authenticate.
# scope: package
# related_resources:
#   - https://istio.io/latest/docs/tasks/security/cert-management/plugin-ca-cert/
# schemas:
#   - input: schema.mtls
# custom:
#   severity: medium
#   layer: mtls
#   kind: posture
#   subjects: certificates
#   no_remedy: "who renews it, and when, is an operational decision"
#   controls: [SOC2-CC6.7, ATTACK-M1041]
#   since: "0.1"
package kguard.mtls.certificate_not_rotated

deny contains finding if {
	some certificate in input.certificates
	certificate.rotation in {"off", "manual"}
	finding := {
		"target": certificate.ref,
		"path": concat("/", [certificate.subject, certificate.name]),
		"message": sprintf("%s: %s", [certificate.name, _words[certificate.rotation]]),
		"evidence": certificate.because,
	}
}

_words := {
	"off": "its rotation is switched off",
	"manual": "nobody but a person renews it",
}
