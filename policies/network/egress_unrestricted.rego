# METADATA
# title: A workload can open any connection to the internet
# description: |
#   Nothing restricts where the pods connect to: code that an attacker runs in them can fetch
#   tools, report to its owner and carry data away. The metadata service of cloud providers is
#   reachable as well.
# scope: package
# related_resources:
#   - https://kubernetes.io/docs/concepts/services-networking/network-policies/
# schemas:
#   - input: schema.network
# custom:
#   severity: medium
#   layer: network
#   kind: effect
#   subjects: workloads
#   remedy: restrict_egress
#   controls: [SOC2-CC6.6, ATTACK-M1030]
#   since: "0.1"
package kguard.network.egress_unrestricted

deny contains finding if {
	some workload in input.workloads
	workload.host_network == false
	workload.egress.internet.reach == "everything"
	finding := {
		"target": workload.ref,
		"path": "",
		"message": sprintf("%s can open every port of every address on the internet", [workload.ref.name]),
		"evidence": workload.egress.because,
	}
}

unknown contains finding if {
	some workload in input.workloads
	workload.egress.isolation == "unknown"
	workload.doubt in {"other_policies", "not_read", "labels"}
	finding := {
		"target": workload.ref,
		"path": "",
		"message": sprintf("what %s can connect to is not known: %s", [
			workload.ref.name,
			concat(", ", workload.doubt_about),
		]),
		"evidence": workload.egress.because,
	}
}
