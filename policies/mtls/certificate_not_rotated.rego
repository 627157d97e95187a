# METADATA
# title: A certificate of the mesh does not renew itself
# description: |
#   Rotation of the self-signed root is switched off, the plugged-in CA is kept by hand, a
#   Certificate can never be renewed in time or its renewal fails. When it expires, whoever relies
#   on it stops to authenticate. Certificates from files or from outside are somebody else's work.
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
	certificate.rotation in {"off", "manual", "failing", "elsewhere"}
	finding := {
		"target": certificate.ref,
		"path": concat("/", [certificate.subject, certificate.name]),
		"message": sprintf("%s: %s", [certificate.name, _words[certificate.rotation]]),
		"evidence": certificate.because,
		"severity": _severities[certificate.rotation],
	}
}

unknown contains finding if {
	some certificate in input.certificates
	certificate.rotation == "unknown"
	finding := {
		"target": certificate.ref,
		"path": concat("/", [certificate.subject, certificate.name]),
		"message": sprintf("%s: when it is renewed cannot be read", [certificate.name]),
		"evidence": certificate.because,
	}
}

_words := {
	"off": "its rotation is switched off",
	"manual": "nobody but a person renews it",
	"failing": "its renewal is late or fails",
	"elsewhere": "Istio does not renew it, somebody else must",
}

_severities := {
	"off": "medium",
	"manual": "medium",
	"failing": "high",
	"elsewhere": "low",
}
