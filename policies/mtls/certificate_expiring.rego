# METADATA
# title: A certificate of the mesh has expired or soon will
# description: |
#   When the certificate of the mesh's authority ends, no proxy believes another any more and all
#   connections fail. A root of its own lives ten years and renews itself; a plugged-in one does not.
# scope: package
# related_resources:
#   - https://istio.io/latest/docs/tasks/security/cert-management/plugin-ca-cert/
# schemas:
#   - input: schema.mtls
# custom:
#   severity: high
#   layer: mtls
#   kind: effect
#   subjects: expiries
#   no_remedy: "a new certificate has to be issued"
#   controls: [ATTACK-M1041]
#   since: "0.1"
#   params: {min_days: {type: integer, default: 30}}
package kguard.mtls.certificate_expiring

deny contains finding if {
	some expiry in input.expiries
	_soon(expiry)
	finding := {
		"target": expiry.ref,
		"path": expiry.name,
		"message": sprintf("%s %s on %s: %s", [
			expiry.name,
			_verb(expiry),
			expiry.ends,
			_consequence(expiry),
		]),
		"evidence": expiry.because,
	}
}

# what lives for a week and is renewed by itself is always near its end
_soon(expiry) if {
	expiry.renewal == "not_seen"
	expiry.days < input.params["mtls/certificate-expiring"].min_days
}

_soon(expiry) if expiry.days < 0

_consequence(expiry) := "whoever relies on it fails then" if expiry.ref.kind == "Certificate"

_consequence(expiry) := "the mesh stops to authenticate then" if expiry.ref.kind in {"ConfigMap", "Secret"}

_verb(expiry) := "expired" if expiry.days < 0

_verb(expiry) := "expires" if expiry.days >= 0
