# METADATA
# title: Policies keep the activator from reporting to the autoscaler
# description: |
#   The activator tells the autoscaler at port 8080 how many requests wait. Without these reports
#   revisions that were scaled to zero never come up again, and requests to them time out.
# scope: package
# related_resources:
#   - https://github.com/openshift-knative/serverless-operator/issues/3711
#   - https://knative.dev/docs/serving/architecture/
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
package kguard.network.knative_statistics_cut

deny contains finding if {
	some flow in input.flows
	flow.basis == "knative"
	endswith(flow.source, "activator")
	endswith(flow.target, "autoscaler")
	flow.verdict == "blocked"
	finding := {
		"target": flow.ref,
		"path": sprintf("%s > %s:%s", [flow.source, flow.target, flow.port]),
		"message": sprintf("%s cannot report to %s at %s: nothing scales up from zero", [flow.source, flow.target, flow.port]),
		"evidence": flow.because,
	}
}
