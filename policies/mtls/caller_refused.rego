# METADATA
# title: A STRICT port refuses a workload that is meant to call it
# description: |
#   The configuration of the caller names the Service, but the caller has no proxy and so no mesh
#   identity to show. Its connections are reset: what looks well protected does not work.
# scope: package
# related_resources:
#   - https://istio.io/latest/docs/tasks/security/authentication/mtls-migration/
# schemas:
#   - input: schema.mtls
# custom:
#   severity: medium
#   layer: mtls
#   kind: effect
#   subjects: callers
#   no_remedy: "the caller has to come into the mesh, or the port out of it: its owners decide"
#   controls: [ATTACK-M1041]
#   since: "0.1"
package kguard.mtls.caller_refused

deny contains finding if {
	some caller in input.callers
	caller.verdict == "refused"
	caller.kind == "workload"
	finding := {
		"target": caller.ref,
		"path": sprintf("%s/%s/%s", [caller.target.namespace, caller.target.name, caller.port]),
		"message": sprintf("%s calls %s:%s without mesh identity, and the port is STRICT: it is refused%s", [
			caller.ref.name,
			caller.target.name,
			caller.port,
			_although[caller.identity],
		]),
		"evidence": caller.because,
	}
}

_although := {
	"none": "",
	"unknown": "",
	"withheld": ", although it has a sidecar",
}
