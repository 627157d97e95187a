# METADATA
# title: An earlier rule takes every event of a rule
# description: |
#   With `rule_matching: first` an event raises one alert: that of the first rule that matches. Every
#   event of this rule meets an earlier one, so its alert, with its priority and tags, is never
#   raised.
# scope: package
# related_resources:
#   - https://falco.org/docs/reference/daemon/config-options/
# schemas:
#   - input: schema.runtime
# custom:
#   severity: low
#   layer: runtime
#   kind: effect
#   subjects: shadows
#   no_remedy: "only their authors know which of the two rules should raise the alert"
#   controls: [SOC2-CC7.2]
#   since: "0.1"
package kguard.runtime.rule_shadowed

deny contains finding if {
	some one in input.shadows
	finding := {
		"target": one.ref,
		"path": one.rule,
		"message": sprintf("the rule %s (%s) never raises an alert: %s (%s) matches first", [
			one.rule, one.priority, one.by, one.by_priority,
		]),
		"evidence": one.because,
	}
}

unknown contains finding if {
	some falco in input.installations
	falco.shadows_judged == "some"
	finding := {
		"target": falco.ref,
		"path": "",
		"message": "cannot tell which rules an earlier one hides: there are too many rules to compare",
		"severity": "info",
		"evidence": falco.because,
	}
}
