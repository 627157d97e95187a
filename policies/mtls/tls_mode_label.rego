# METADATA
# title: Pods with a sidecar tell their clients that they speak no mutual TLS
# description: |
#   The label security.istio.io/tlsMode of the pod is set by hand, so injection leaves it alone.
#   Clients believe it and send plaintext although a sidecar is there.
# scope: package
# related_resources:
#   - https://istio.io/latest/docs/reference/config/labels/
# schemas:
#   - input: schema.mtls
# custom:
#   severity: medium
#   layer: mtls
#   kind: effect
#   subjects: workloads
#   no_remedy: "the label was set by hand: its author knows what for"
#   follows: [mtls/namespace-outside-mesh, mtls/workload-outside-mesh]
#   controls: [SOC2-CC6.7, ATTACK-M1041]
#   since: "0.1"
package kguard.mtls.tls_mode_label

deny contains finding if {
	some workload in input.workloads
	workload.plane == "sidecar"
	workload.tls_label == "off"
	workload.serves == "ports"
	finding := {
		"target": workload.ref,
		"path": "",
		"message": sprintf("clients send plaintext to %s: its label security.istio.io/tlsMode is not istio", [workload.ref.name]),
		"evidence": workload.because,
	}
}
