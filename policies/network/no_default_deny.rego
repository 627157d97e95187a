# METADATA
# title: A namespace does not isolate its pods by default
# description: |
#   No NetworkPolicy of the namespace isolates every pod for incoming traffic, so that a pod which
#   is added later, or whose labels change, is open to the whole cluster.
# scope: package
# related_resources:
#   - https://kubernetes.io/docs/concepts/services-networking/network-policies/
# schemas:
#   - input: schema.network
# custom:
#   severity: medium
#   layer: network
#   kind: posture
#   subjects: namespaces
#   remedy: namespace_deny
#   controls: [CIS-5.3.2, ATTACK-M1030]
#   aliases: [network/default-deny]
#   since: "0.1"
package kguard.network.no_default_deny

deny contains finding if {
	some namespace in input.namespaces
	namespace.default_deny == "false"
	finding := {
		"target": namespace.ref,
		"path": "",
		"message": sprintf("a new pod in namespace %s is open to the whole cluster: no policy isolates every pod", [namespace.ref.name]),
		"evidence": namespace.because,
		"severity": _severity[input.scope],
	}
}

unknown contains finding if {
	some namespace in input.namespaces
	namespace.default_deny == "unknown"
	finding := {
		"target": namespace.ref,
		"path": "",
		"message": sprintf("whether namespace %s isolates its pods is not known: policies that are not evaluated may do it", [namespace.ref.name]),
		"evidence": namespace.because,
	}
}

# the default of a namespace may well stand beside the manifests of one application
_severity := {"app": "low", "cluster": "medium"}
