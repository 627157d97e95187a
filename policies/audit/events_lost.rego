# METADATA
# title: Recorded events can get lost
# description: |
#   A webhook in batch mode, the default, drops events when its buffer is full or the receiver
#   is away; so does a log in batch mode. A log outside of every mounted volume vanishes with
#   the container. Of managed clusters some settings leave out all reads. Counters of a live API
#   server tell how many events its backends failed to write.
# scope: package
# related_resources:
#   - https://kubernetes.io/docs/reference/command-line-tools-reference/kube-apiserver/
# schemas:
#   - input: schema.audit
# custom:
#   severity: low
#   layer: audit
#   kind: effect
#   subjects: servers
#   remedy: mend_server
#   controls: [SOC2-CC7.2]
#   since: "0.1"
package kguard.audit.events_lost

deny contains finding if {
	some server in input.servers
	server.recording == "on"
	some loss in server.losses
	finding := {
		"target": server.ref,
		"path": loss.cause,
		"message": sprintf("events of the API server of %s can get lost: %s", [server.ref.name, loss.text]),
		"severity": _severity(loss),
		"evidence": loss.because,
	}
}

_severity(loss) := "medium" if loss.cause == "log-not-kept"

_severity(loss) := "high" if loss.cause == "reads-left-out"

_severity(loss) := "info" if loss.cause == "best-effort"

_severity(loss) := "high" if loss.cause == "not-written"

_severity(loss) := "medium" if loss.cause == "requests-refused"

_severity(loss) := "low" if loss.cause in {"webhook-batch", "log-batch", "truncated"}
