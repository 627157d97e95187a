# METADATA
# title: STRICT cuts the API server off from a webhook
# description: |
#   The API server calls webhooks, aggregated APIs and conversions without mesh identity. A STRICT
#   port refuses it: admission fails, or objects pass unchecked.
# scope: package
# related_resources:
#   - https://github.com/istio/istio/issues/52874
# schemas:
#   - input: schema.mtls
# custom:
#   severity: high
#   layer: mtls
#   kind: effect
#   subjects: workloads
#   remedy: except_webhook
#   controls: [ATTACK-M1041]
#   since: "0.1"
package kguard.mtls.webhook_refused

deny contains finding if {
	some workload in input.workloads
	some group in workload.modes
	group.caller == "apiserver"
	group.effective == "strict"
	finding := {
		"target": workload.ref,
		"path": concat("/", group.ports),
		"message": sprintf("the API server cannot call %s on port %s: it has no mesh identity and the port is STRICT", [
			workload.ref.name,
			concat(", ", group.ports),
		]),
		"evidence": group.because,
	}
}
