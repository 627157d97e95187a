# METADATA
# title: Knative must reach its pods by address, and their sidecars refuse that
# description: |
#   With mesh-compatibility-mode disabled, activator and autoscaler call pods by their address
#   only. A sidecar sends such calls in plaintext, which STRICT pods refuse: scaling from zero and
#   metrics fail.
# scope: package
# related_resources:
#   - https://github.com/istio/istio/issues/37431
# schemas:
#   - input: schema.mtls
# custom:
#   severity: medium
#   layer: mtls
#   kind: effect
#   subjects: knative
#   no_remedy: "auto or enabled is a decision about how Knative scales"
#   controls: [ATTACK-M1041]
#   since: "0.1"
package kguard.mtls.knative_pod_addressing

deny contains finding if {
	some setting in input.knative
	setting.kind == "pod_addressing"
	setting.value == "disabled"
	count(setting.strict) > 0
	finding := {
		"target": setting.ref,
		"path": setting.key,
		"message": sprintf("%s: disabled cuts the activator off from %s, which is STRICT", [
			setting.key,
			concat(", ", setting.strict),
		]),
		"evidence": setting.because,
	}
}
