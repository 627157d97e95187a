# METADATA
# title: Falco's alerts cross the network unprotected
# description: |
#   Alerts name programs, files and pods, and who can forge one can hide another in the noise. Over
#   plain HTTP anybody on the way reads and changes them; with `insecure` anybody can be the receiver.
#   Plain text that stays inside the cluster is left to the mesh.
# scope: package
# related_resources:
#   - https://falco.org/docs/concepts/outputs/channels/#http-https-output
# schemas:
#   - input: schema.runtime
# custom:
#   severity: medium
#   layer: runtime
#   kind: effect
#   subjects: routes
#   no_remedy: "the receiver must offer TLS first, and its CA must be known: then an https URL, ca_cert, and no insecure"
#   controls: [SOC2-CC6.7, ATTACK-T1562]
#   since: "0.1"
package kguard.runtime.alerts_unprotected

deny contains finding if {
	some route in input.routes
	route.state != "false"
	_exposed(route)
	finding := {
		"target": route.installation,
		"path": route.destination,
		"message": sprintf("alerts of %s go to %s %s", [
			route.installation.name, route.destination, _how(route.protection),
		]),
		"evidence": route.because,
	}
}

_exposed(route) if route.protection == "unverified"

_exposed(route) if {
	route.protection == "plain"
	not route.inside
}

_how("plain") := "in plain text"

_how("unverified") := "whoever answers there: its certificate is not checked"
