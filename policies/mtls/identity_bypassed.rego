# METADATA
# title: A rule about callers is evaded by those that show no identity
# description: |
#   The AuthorizationPolicy denies callers by name, or allows all but some names, for workloads
#   that also accept plaintext. A plaintext caller has no name: the denial does not match it, and
#   the exception does.
# scope: package
# related_resources:
#   - https://istio.io/latest/news/security/istio-security-2021-004/
# schemas:
#   - input: schema.mtls
# custom:
#   severity: high
#   layer: mtls
#   kind: effect
#   subjects: authorization
#   no_remedy: "the ports have to become STRICT: mtls/accepts-plaintext and mtls/port-exception say how"
#   follows: [mtls/namespace-outside-mesh, mtls/workload-outside-mesh]
#   controls: [SOC2-CC6.1, ATTACK-M1041]
#   since: "0.1"
package kguard.mtls.identity_bypassed

deny contains finding if {
	some policy in input.authorization
	count(policy.unproven) > 0
	_evaded(policy)
	finding := {
		"target": policy.ref,
		"path": "",
		"message": sprintf("AuthorizationPolicy %s is evaded by plaintext: %s accepts callers without identity", [
			policy.ref.name,
			concat(", ", policy.unproven),
		]),
		"evidence": policy.because,
	}
}

_evaded(policy) if {
	policy.action == "deny"
	policy.uses == "positive"
}

_evaded(policy) if {
	policy.action == "allow"
	policy.uses == "negative"
}
