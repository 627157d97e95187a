# METADATA
# title: Policies keep a workload from resolving names
# description: |
#   The workload is given names of other hosts and its policies do not let it ask the cluster's DNS.
#   Every connection by name fails, usually as a timeout far from the cause.
# scope: package
# related_resources:
#   - https://kubernetes.io/docs/concepts/services-networking/network-policies/
#   - https://kubernetes.io/docs/tasks/administer-cluster/dns-debugging-resolution/
#   - https://github.com/inspektor-gadget/inspektor-gadget/issues/5338
# schemas:
#   - input: schema.network
# custom:
#   severity: high
#   layer: network
#   kind: effect
#   subjects: flows
#   remedy: allow_flow
#   controls: [ATTACK-M1030]
#   since: "0.1"
package kguard.network.dns_cut

deny contains finding if {
	some flow in input.flows
	flow.basis == "dns"
	flow.verdict == "blocked"
	finding := {
		"target": flow.ref,
		"path": sprintf("%s > %s:%s", [flow.source, flow.target, flow.port]),
		"message": sprintf("%s cannot resolve names: policies block %s of %s", [flow.source, flow.port, flow.target]),
		"evidence": flow.because,
	}
}
