# METADATA
# title: A DestinationRule breaks or bypasses mutual TLS
# description: |
#   The tls block of the rule replaces automatic mutual TLS. Clients that send plaintext or TLS of
#   their own are refused by a STRICT workload, and any other cannot tell who calls. Mutual TLS
#   that is sent in any case is lost on pods without a proxy.
# scope: package
# related_resources:
#   - https://istio.io/latest/docs/reference/config/networking/destination-rule/#ClientTLSSettings
# schemas:
#   - input: schema.mtls
# custom:
#   severity: high
#   layer: mtls
#   kind: effect
#   subjects: rules
#   remedy: client_tls
#   follows: [mtls/namespace-outside-mesh, mtls/workload-outside-mesh]
#   controls: [SOC2-CC6.7, ATTACK-M1041]
#   since: "0.1"
package kguard.mtls.client_without_identity

deny contains finding if {
	some rule in input.rules
	rule.effect in {"cut", "downgrade"}
	finding := {
		"target": rule.ref,
		"path": rule.part,
		"message": sprintf("clients send %s to %s%s: %s", [
			_sends[rule.sends],
			rule.host,
			_part(rule),
			_effect(rule),
		]),
		"evidence": rule.because,
	}
}

_sends := {
	"plaintext": "plaintext",
	"foreign_tls": "TLS without mesh identity",
	"mtls": "mutual TLS",
}

_effect(rule) := "it accepts them without identity" if rule.effect == "downgrade"

_effect(rule) := _refusals[rule.refusal] if rule.effect == "cut"

_refusals := {
	"strict": "it is STRICT and refuses them",
	"unreadable": "its sidecars read HTTP there and cannot read what they send",
	"own_tls": "its sidecars end TLS of their own there",
	"no_proxy": "some of its pods have no proxy that could take it",
}

_part(rule) := "" if rule.part == "rule"

_part(rule) := sprintf(" (%s)", [rule.part]) if rule.part != "rule"
