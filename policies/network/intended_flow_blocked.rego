# METADATA
# title: Policies block a connection that the manifests ask for
# description: |
#   A setting, an Ingress, a gateway or Knative needs this connection, and the policies in force do
#   not admit it. The application fails, or the policies will be loosened in haste. Where it depends
#   on the network plugin whether they do, the finding says what each plugin would answer.
# scope: package
# related_resources:
#   - https://kubernetes.io/docs/concepts/services-networking/network-policies/
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
package kguard.network.intended_flow_blocked

deny contains finding if {
	some flow in input.flows
	flow.verdict == "blocked"
	not flow.basis in _plumbing
	not _is_named(flow)
	finding := {
		"target": flow.ref,
		"path": sprintf("%s > %s:%s", [flow.source, flow.target, flow.port]),
		"message": sprintf("policies block %s from opening %s of %s", [flow.source, flow.port, flow.target]),
		"evidence": flow.because,
		"severity": _severity(flow),
	}
}

unknown contains finding if {
	some flow in input.flows
	flow.verdict == "unknown"

	# other ends that the input does not hold leave a verdict open, too: nothing is known of those
	flow.depends != ""
	finding := {
		"target": flow.ref,
		"path": sprintf("%s > %s:%s", [flow.source, flow.target, flow.port]),
		"message": sprintf("whether %s can open %s of %s depends on the network plugin: %s", [flow.source, flow.port, flow.target, flow.depends]),
		"evidence": flow.because,
		"severity": "medium",
	}
}

# policies of their own speak of these
_plumbing := {"dns", "probe", "webhook", "metrics", "mesh", "apiserver"}

_is_named(flow) if {
	flow.basis == "knative"
	endswith(flow.source, "activator")
	endswith(flow.target, "autoscaler")
}

_is_named(flow) if {
	flow.basis in {"knative", "eventing"}
	flow.port in {"8081/TCP", "8444/TCP"}
	endswith(flow.target, "gateway")
}

# what only shows that somebody is welcome breaks nothing that works
_severity(flow) := "medium" if flow.basis == "published"

_severity(flow) := "high" if flow.basis != "published"
