# METADATA
# title: One pod without a sidecar takes mutual TLS from a whole headless Service
# description: |
#   Clients of a headless Service take addresses as they come. If one of its pods has no sidecar,
#   they send plaintext to all of them, and those that are STRICT refuse it.
# scope: package
# related_resources:
#   - https://github.com/istio/istio/issues/27376
# schemas:
#   - input: schema.mtls
# custom:
#   severity: medium
#   layer: mtls
#   kind: effect
#   subjects: headless
#   no_remedy: "the pods without a sidecar have to come into the mesh, or out of the Service"
#   follows: [mtls/namespace-outside-mesh, mtls/workload-outside-mesh]
#   controls: [SOC2-CC6.7, ATTACK-M1041]
#   since: "0.1"
package kguard.mtls.headless_mixed

deny contains finding if {
	some service in input.headless
	finding := {
		"target": service.ref,
		"path": "",
		"message": sprintf("clients of %s send plaintext to all pods: %s has no sidecar%s", [
			service.ref.name,
			concat(", ", service.without),
			_cut(service),
		]),
		"evidence": service.because,
		"severity": _severity(service),
	}
}

_cut(service) := sprintf("; %s is STRICT and refuses them", [concat(", ", service.strict)]) if count(service.strict) > 0

_cut(service) := "" if count(service.strict) == 0

_severity(service) := "high" if count(service.strict) > 0

_severity(service) := "medium" if count(service.strict) == 0
