# METADATA
# title: Policies close the cluster-local gateway of Knative
# description: |
#   Requests of pods to Knative Services enter at port 8081 or 8444 of the gateway pods. The
#   policies that Istio's own chart renders open 8080 and 8443 only, so that every call inside the
#   cluster fails while calls from outside work.
# scope: package
# related_resources:
#   - https://knative.dev/docs/install/operator/configuring-serving-cr/
#   - https://istio.io/latest/docs/setup/additional-setup/network-policy/
#   - https://kubernetes.io/docs/concepts/services-networking/network-policies/
# schemas:
#   - input: schema.network
# custom:
#   severity: critical
#   layer: network
#   kind: effect
#   subjects: flows
#   remedy: allow_flow
#   controls: [ATTACK-M1030]
#   since: "0.1"
package kguard.network.knative_local_gateway_cut

deny contains finding if {
	some flow in input.flows
	flow.basis in {"knative", "eventing"}
	flow.port in {"8081/TCP", "8444/TCP"}
	_is_gateway(flow.target)
	flow.verdict == "blocked"
	finding := {
		"target": flow.ref,
		"path": sprintf("%s > %s:%s", [flow.source, flow.target, flow.port]),
		"message": _message(flow),
		"evidence": flow.because,
	}
}

_is_gateway(name) if endswith(name, "gateway")

_message(flow) := sprintf(
	"%s cannot call Knative Services inside the cluster: policies close %s of %s",
	[flow.source, flow.port, flow.target],
) if {
	not endswith(flow.source, "controller")
}

_message(flow) := sprintf(
	"%s cannot probe %s of %s: no Knative Service becomes ready",
	[flow.source, flow.port, flow.target],
) if {
	endswith(flow.source, "controller")
}
