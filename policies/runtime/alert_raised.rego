# METADATA
# title: Falco has seen an attack
# description: |
#   A PolicyReport in the input holds alerts of Falco about the workload. What raised them is over or
#   still going on; somebody has to look. That there are no alerts says nothing: rules may be silenced,
#   nodes unwatched, alerts undelivered.
# scope: package
# related_resources:
#   - https://falco.org/docs/concepts/rules/basic-elements/#priority
# schemas:
#   - input: schema.runtime
# custom:
#   severity: medium
#   layer: runtime
#   kind: effect
#   subjects: alerts
#   no_remedy: "no manifest undoes what has happened: somebody has to look"
#   controls: [SOC2-CC7.2]
#   since: "0.1"
#   params:
#     priorities:
#       type: array
#       items: {type: string}
#       default: [Emergency, Alert, Critical, Error, Warning]
package kguard.runtime.alert_raised

deny contains finding if {
	some alerts in input.alerts
	some priority in input.params["runtime/alert-raised"].priorities
	alerts.priority == priority
	finding := {
		"target": alerts.ref,
		"path": alerts.rule,
		"severity": _severity(priority),
		"message": sprintf("Falco raised \"%s\" (%s) about %s %s%s", [
			alerts.rule,
			priority,
			alerts.ref.name,
			_times(alerts.count),
			_last(alerts),
		]),
		"evidence": alerts.because,
	}
}

_severity(priority) := "critical" if priority in {"Emergency", "Alert", "Critical"}

_severity(priority) := "high" if priority == "Error"

_severity(priority) := "medium" if priority == "Warning"

_severity(priority) := "low" if priority in {"Notice", "Informational", "Debug"}

_times(1) := "once"

_times(count) := sprintf("%d times", [count]) if count > 1

_last(alerts) := sprintf(", last at %sZ", [substring(alerts.last, 0, 19)]) if alerts.last != ""

_last(alerts) := ", nobody wrote down when" if alerts.last == ""
