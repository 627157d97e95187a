# METADATA
# title: Every pod of another namespace can open a workload
# description: |
#   A rule names a namespace and no pods in it: whatever runs there, now or later, is admitted. A
#   pod selector beside the namespace selector keeps it to the callers that are meant. Ports that
#   clients of unknown places need anyway, for metrics for instance, do not count.
# scope: package
# related_resources:
#   - https://kubernetes.io/docs/concepts/services-networking/network-policies/
# schemas:
#   - input: schema.network
# custom:
#   severity: low
#   layer: network
#   kind: effect
#   subjects: workloads
#   no_remedy: "which pods of the other namespace need the port, only its owners know for certain"
#   controls: [CIS-5.3.2, SOC2-CC6.6, ATTACK-M1030]
#   since: "0.1"
package kguard.network.open_to_namespace

deny contains finding if {
	some workload in input.workloads
	some opening in workload.ingress.others
	ports := [port | some port in opening.ports; not port in workload.published]
	count(ports) > 0
	finding := {
		"target": workload.ref,
		"path": opening.who,
		"message": sprintf("%s can open %s; %s", [
			opening.who,
			_named(workload, ports),
			_meant(opening.meant),
		]),
		"evidence": opening.because,
	}
}

_named(workload, ports) := sprintf("%s:%s", [workload.ref.name, trim_suffix(ports[0], "/TCP")]) if count(ports) == 1

_named(workload, ports) := sprintf("%s at ports %s", [workload.ref.name, concat(", ", short)]) if {
	count(ports) > 1
	short := [trim_suffix(port, "/TCP") | some port in ports]
}

_meant([]) := "nothing in the input shows that one of them needs it"

_meant(names) := sprintf("%s is meant", [names[0]]) if count(names) == 1

_meant(names) := sprintf("%s are meant", [concat(", ", names)]) if count(names) > 1
