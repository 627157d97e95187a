# METADATA
# title: A workload of a mesh namespace has no proxy
# description: |
#   The namespace is in the mesh, but this workload is not: it opted out, shares the network of
#   its node, no webhook answers for its labels, or its pods were not restarted. No
#   PeerAuthentication has an effect on it.
# scope: package
# related_resources:
#   - https://istio.io/latest/docs/setup/additional-setup/sidecar-injection/
# schemas:
#   - input: schema.mtls
# custom:
#   severity: medium
#   layer: mtls
#   kind: effect
#   subjects: workloads
#   remedy: enrol
#   controls: [SOC2-CC6.7, ATTACK-M1041]
#   since: "0.1"
package kguard.mtls.workload_outside_mesh

deny contains finding if {
	some workload in input.workloads
	workload.role == "application"
	workload.plane == "none"
	workload.serves == "ports"
	workload.reason in {"opted_out", "host_network", "no_webhook", "ambient_off", "not_restarted"}
	finding := {
		"target": workload.ref,
		"path": workload.reason,
		"message": sprintf("%s serves its ports without a proxy: %s", [workload.ref.name, _words[workload.reason]]),
		"evidence": workload.because,
	}
}

_words := {
	"opted_out": "it opts out of the mesh",
	"host_network": "it shares the network of its node",
	"no_webhook": "no injection webhook answers for its labels",
	"ambient_off": "istio-cni leaves ambient off",
	"not_restarted": "its pods were not restarted since the mesh would take them",
}
