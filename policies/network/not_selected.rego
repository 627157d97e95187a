# METADATA
# title: No NetworkPolicy selects a workload
# description: |
#   Pods that no NetworkPolicy of their namespace selects accept every connection and may open
#   any. This is the posture check: it is content with a policy that admits everything (open-to-
#   cluster judges the effect).
# scope: package
# related_resources:
#   - https://kubernetes.io/docs/concepts/services-networking/network-policies/
# schemas:
#   - input: schema.network
# custom:
#   severity: medium
#   layer: network
#   kind: posture
#   subjects: workloads
#   remedy: isolate_ingress
#   controls: [CIS-5.3.2, ATTACK-M1030]
#   since: "0.1"
package kguard.network.not_selected

deny contains finding if {
	some workload in input.workloads
	workload.host_network == false
	workload.ingress.selected == "false"
	workload.egress.selected == "false"
	finding := {
		"target": workload.ref,
		"path": "",
		"message": sprintf("no NetworkPolicy selects the pods of %s", [workload.ref.name]),
		"evidence": workload.ingress.because,
	}
}

unknown contains finding if {
	some workload in input.workloads
	workload.ingress.selected == "unknown"
	workload.egress.selected == "unknown"
	workload.doubt in {"other_policies", "not_read", "labels"}
	finding := {
		"target": workload.ref,
		"path": "",
		"message": sprintf("whether a NetworkPolicy isolates %s is not known: %s", [
			workload.ref.name,
			concat(", ", workload.doubt_about),
		]),
		"evidence": workload.ingress.because,
	}
}
