# METADATA
# title: A workload with restricted egress still reaches the metadata service
# description: |
#   The outgoing traffic is restricted, but a rule for addresses covers 169.254.169.254 at port
#   80, where cloud providers hand out the credentials of the node.
# scope: package
# related_resources:
#   - https://kubernetes.io/docs/concepts/services-networking/network-policies/
#   - https://attack.mitre.org/techniques/T1552/005/
# schemas:
#   - input: schema.network
# custom:
#   severity: medium
#   layer: network
#   kind: effect
#   subjects: workloads
#   remedy: except_metadata
#   controls: [SOC2-CC6.6, ATTACK-M1030]
#   since: "0.1"
package kguard.network.metadata_reachable

deny contains finding if {
	some workload in input.workloads
	workload.host_network == false
	workload.egress.isolation == "partial"
	workload.egress.internet.reach != "everything"
	_reaches(workload.egress.metadata)
	finding := {
		"target": workload.ref,
		"path": "",
		"message": sprintf("%s can ask 169.254.169.254 for the credentials of its node", [workload.ref.name]),
		"evidence": workload.egress.because,
	}
}

_reaches(metadata) if metadata.reach == "everything"

_reaches(metadata) if "80/TCP" in metadata.ports
