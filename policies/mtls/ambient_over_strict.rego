# METADATA
# title: ztunnel denies plaintext that policy lets through
# description: |
#   In ambient mode istiod translates PeerAuthentications for ztunnel. Some exemptions are lost on the
#   way (ports with DISABLE under a STRICT parent, policies with an empty selector): callers without
#   mesh identity are refused although the policy admits them.
# scope: package
# related_resources:
#   - https://istio.io/latest/docs/ambient/architecture/data-plane/
# schemas:
#   - input: schema.mtls
# custom:
#   severity: medium
#   layer: mtls
#   kind: effect
#   subjects: workloads
#   no_remedy: "whether the exemption or the refusal was meant is known to the author of the policy only"
#   controls: [ATTACK-M1041]
#   since: "0.1"
package kguard.mtls.ambient_over_strict

deny contains finding if {
	some workload in input.workloads
	workload.plane == "ambient"
	some group in workload.modes
	group.divergence == "over_strict"
	group.listener == "seen"
	finding := {
		"target": workload.ref,
		"path": concat("/", group.ports),
		"message": sprintf("%s refuses plaintext on port %s although policy lets it through: callers are cut off", [
			workload.ref.name,
			concat(", ", group.ports),
		]),
		"evidence": group.because,
	}
}
