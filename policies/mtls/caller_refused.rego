# METADATA
# title: A STRICT port refuses somebody who is meant to call it
# description: |
#   The configuration of a workload names the Service, a Service leads clients from outside straight
#   to the pods, or the kubelet probes the port itself; but the caller shows no mesh identity. Its
#   connections are reset: what looks well protected does not work.
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
	finding := {
		"target": caller.ref,
		"path": sprintf("%s/%s/%s", [caller.target.namespace, caller.target.name, caller.port]),
		"message": sprintf("%s, and the port is STRICT: %s refused%s", [_calls(caller), _who[caller.kind], _although[caller.identity]]),
		"evidence": caller.because,
	}
}

_calls(caller) := sprintf("%s calls %s without mesh identity", [caller.ref.name, _port(caller)]) if {
	caller.kind == "workload"
}

_calls(caller) := sprintf("%s %s leads clients without mesh identity to %s", [caller.ref.kind, caller.ref.name, _port(caller)]) if {
	caller.kind in {"outside", "ingress"}
}

_calls(caller) := sprintf("the kubelet probes %s without mesh identity", [_port(caller)]) if {
	caller.kind == "kubelet"
}

_calls(caller) := sprintf("%s %s has %s scraped by a Prometheus without mesh identity", [
	caller.ref.kind,
	caller.ref.name,
	_port(caller),
]) if {
	caller.kind == "scrape"
}

_port(caller) := sprintf("%s:%s", [caller.target.name, caller.port])

_who := {
	"workload": "it is",
	"kubelet": "it is",
	"scrape": "it is",
	"outside": "they are",
	"ingress": "they are",
}

_although := {
	"none": "",
	"unknown": "",
	"withheld": ", although it has a sidecar",
}
