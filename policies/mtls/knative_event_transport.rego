# METADATA
# title: Events of Knative travel in plaintext
# description: |
#   Brokers and channels neither ask for TLS (transport-encryption) nor do their pods belong to a
#   mesh. With `strict`, only what they accept is encrypted: delivery to a subscriber with a plain
#   HTTP address stays plaintext.
# scope: package
# related_resources:
#   - https://knative.dev/docs/eventing/features/transport-encryption/
# schemas:
#   - input: schema.mtls
# custom:
#   severity: low
#   layer: mtls
#   kind: effect
#   subjects: knative
#   no_remedy: "TLS needs cert-manager and an issuer, a mesh needs the pods of Eventing in it: the platform decides"
#   controls: [SOC2-CC6.7, ATTACK-M1041]
#   since: "0.1"
package kguard.mtls.knative_event_transport

deny contains finding if {
	some setting in input.knative
	setting.kind == "event_transport"
	setting.dispatchers == "outside"
	some path, message in _problems(setting)
	finding := {
		"target": setting.ref,
		"path": path,
		"message": message,
		"evidence": setting.because,
	}
}

unknown contains finding if {
	some setting in input.knative
	setting.kind == "event_transport"
	setting.dispatchers == "unknown"
	setting.value in {"disabled", "permissive"}
	finding := {
		"target": setting.ref,
		"path": setting.key,
		"message": sprintf("%s is %s, and whether the pods of brokers and channels are in a mesh cannot be told", [
			setting.key,
			setting.value,
		]),
		"evidence": setting.because,
	}
}

_problems(setting) := {setting.key: message} if {
	setting.value in {"disabled", "permissive"}
	message := sprintf("%s is %s and brokers and channels have no proxy: events can be sent in plaintext", [
		setting.key,
		setting.value,
	])
}

_problems(setting) := {"delivery": message} if {
	setting.value == "strict"
	count(setting.plaintext) > 0
	message := sprintf("%s is strict for what brokers accept only: %s gets events in plaintext", [
		setting.key,
		concat(", ", setting.plaintext),
	])
}
