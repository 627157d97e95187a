# METADATA
# title: An alert makes Falco Talon cut or stop a workload
# description: |
#   Falco only watches, but Falco Talon acts on its alerts: it writes NetworkPolicies, ends pods or
#   drains nodes. Whoever can raise the alert can take the workload down, and a rule that fires
#   wrongly does so by itself. Such actions are listed so that they are a decision.
# scope: package
# related_resources:
#   - https://docs.falco-talon.org/docs/actionners/list/
# schemas:
#   - input: schema.runtime
# custom:
#   severity: low
#   layer: runtime
#   kind: effect
#   subjects: responses
#   no_remedy: "only its owner knows whether the alert is sure enough to act upon"
#   controls: [SOC2-CC7.2]
#   since: "0.1"
package kguard.runtime.response_cuts_traffic

deny contains finding if {
	some one in input.responses
	one.effect in {"cuts", "stops"}
	finding := {
		"target": one.ref,
		"path": sprintf("%s/%s", [one.name, one.action]),
		"message": sprintf("the rule %s of Falco Talon %s when %s alerts (%s)", [
			one.name, _does(one.effect), _alerts(one.rules), one.actionner,
		]),
		"evidence": one.because,
	}
}

unknown contains finding if {
	some one in input.responses
	one.effect == "unknown"
	finding := {
		"target": one.ref,
		"path": sprintf("%s/%s", [one.name, one.action]),
		"message": sprintf("cannot tell what the rule %s of Falco Talon does: %s", [one.name, _action(one)]),
		"evidence": one.because,
	}
}

_does("cuts") := "cuts the pod off the network"

_does("stops") := "stops the pod or its node"

_alerts([]) := "a matching rule"

_alerts(rules) := concat(", ", array.slice(rules, 0, 3)) if count(rules) > 0

_action(one) := one.actionner if one.actionner != ""

else := one.action
