# METADATA
# title: Falco is configured with something that it no longer has
# description: |
#   Falco 0.44 dropped the gRPC server and output, the legacy eBPF probe and the gVisor engine. A
#   client that waits for alerts over gRPC waits for ever; a driver that does not exist leaves Falco
#   without events.
# scope: package
# related_resources:
#   - https://github.com/falcosecurity/falco/releases
# schemas:
#   - input: schema.runtime
# custom:
#   severity: high
#   layer: runtime
#   kind: effect
#   subjects: installations
#   remedy: drop_removed
#   controls: [SOC2-CC7.2]
#   since: "0.1"
package kguard.runtime.removed_feature

_words := {
	"grpc_output": "the gRPC output",
	"grpc_server": "the gRPC server",
	"legacy_ebpf": "the legacy eBPF probe",
	"gvisor": "the gVisor engine",
}

deny contains finding if {
	some falco in input.installations
	some use in falco.removed
	use.state == "removed"
	finding := _finding(falco, use, sprintf("Falco %s no longer has %s", [falco.version, _words[use.feature]]))
}

unknown contains finding if {
	some falco in input.installations
	some use in falco.removed
	use.state == "unknown"
	finding := _finding(falco, use, sprintf("%s is gone since Falco 0.44; the version is not known", [_words[use.feature]]))
}

_finding(falco, use, message) := {
	"target": falco.ref,
	"path": use.feature,
	"message": message,
	"evidence": use.because,
}
