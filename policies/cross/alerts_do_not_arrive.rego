# METADATA
# title: Alerts of Falco do not reach their receiver
# description: |
#   Falco sends its alerts to a workload of the cluster, and another protection layer keeps them out:
#   a network policy does not let Falco's pods connect, or the receiver's proxy takes mutual TLS only
#   while Falco has none. Falco drops the alerts after a timeout; nobody hears them. The way from a
#   Falcosidekick to a workload that it sends to counts, too.
# scope: package
# schemas:
#   - input: schema.cross
# related_resources:
#   - https://falco.org/docs/concepts/outputs/channels/#https-output
# custom:
#   severity: high
#   layer: cross
#   kind: effect
#   subjects: deliveries
#   no_remedy: the connection is opened in the layer that closes it; `kguard fix` does so for network policies
#   controls: [ATTACK-T1562]
#   since: "0.1"
package kguard.cross.alerts_do_not_arrive

deny contains finding if {
	some way in input.deliveries
	some reason in [_reason(way)]
	finding := {
		"target": way.ref,
		"path": sprintf("%s/%s:%d", [way.receiver.namespace, way.receiver.name, way.port]),
		"message": sprintf("alerts of %s do not reach %s:%d%s: %s", [
			way.ref.name, way.receiver.name, way.port, _over(way), reason,
		]),
		"evidence": way.because,
	}
}

_reason(way) := "policies block the connection" if way.state == "blocked"

_over(way) := "" if way.sender == way.ref

else := sprintf(" over %s", [way.sender.name])

_reason(way) := sprintf("it takes mutual TLS only, and %s has no proxy", [way.sender.name]) if way.state == "refused"
