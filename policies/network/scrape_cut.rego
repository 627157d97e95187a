# METADATA
# title: Policies keep metrics from being collected
# description: |
#   The workload asks to be scraped and its policies do not admit Prometheus. Metrics, alerts and
#   autoscaling by metrics go silent without an error anywhere in the application.
# scope: package
# related_resources:
#   - https://kubernetes.io/docs/concepts/services-networking/network-policies/
#   - https://prometheus.io/docs/prometheus/latest/configuration/configuration/
# schemas:
#   - input: schema.network
# custom:
#   severity: medium
#   layer: network
#   kind: effect
#   subjects: flows
#   remedy: allow_flow
#   controls: [ATTACK-M1030]
#   since: "0.1"
package kguard.network.scrape_cut

deny contains finding if {
	some flow in input.flows
	flow.basis == "metrics"
	flow.verdict == "blocked"
	finding := {
		"target": flow.ref,
		"path": sprintf("%s > %s:%s", [flow.source, flow.target, flow.port]),
		"message": sprintf("%s cannot collect the metrics of %s at %s: policies block it", [flow.source, flow.target, flow.port]),
		"evidence": flow.because,
	}
}
