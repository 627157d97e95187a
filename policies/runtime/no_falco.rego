# METADATA
# title: Nothing watches what processes do on the nodes
# description: |
#   The cluster shows no Falco: no workload that runs it, no object of its operator, no
#   configuration, no rules. Whoever gets a shell in a container is seen by nobody.
# scope: package
# related_resources:
#   - https://falco.org/docs/
# schemas:
#   - input: schema.runtime
# custom:
#   severity: high
#   layer: runtime
#   kind: posture
#   subjects: installations
#   no_remedy: "Falco has to be installed first, by its chart or its operator"
#   controls: [SOC2-CC7.2, ATTACK-T1562]
#   since: "0.1"
package kguard.runtime.no_falco

deny contains finding if {
	input.scope == "cluster"
	input.presence == "absent"
	finding := {
		"target": input.subject,
		"path": "",
		"message": "no Falco in the input: nobody sees what processes do on the nodes",
		"evidence": [{"note": "looked for workloads with Falco's image, objects of its operator, falco.yaml and rules"}],
	}
}
