# METADATA
# title: A DestinationRule names a Service in a way that matches nothing
# description: |
#   Short hosts have no dot and mean a Service of the rule's own namespace; everything else is
#   compared with the full name. `reviews.shop` is neither: no client obeys the rule.
# scope: package
# related_resources:
#   - https://istio.io/latest/docs/reference/config/networking/destination-rule/#DestinationRule
# schemas:
#   - input: schema.mtls
# custom:
#   severity: low
#   layer: mtls
#   kind: posture
#   subjects: rules
#   no_remedy: "a rule that never counted may surprise when it does: its author decides"
#   controls: [ATTACK-M1041]
#   since: "0.1"
package kguard.mtls.rule_misnamed

deny contains finding if {
	some rule in input.rules
	rule.effect == "misnamed"
	finding := {
		"target": rule.ref,
		"path": "host",
		"message": sprintf("no client obeys the rule for %s: a host with a dot must be the full name", [rule.host]),
		"evidence": rule.because,
	}
}
