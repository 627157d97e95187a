# METADATA
# title: Rules of Falco can be swapped on their way
# description: |
#   Rules and plugins that are fetched over plain HTTP, from whatever certificate answers, or without
#   a look at their signature are those of whoever stands in between: rules that never fire, or a
#   plugin with code that runs beside Falco.
# scope: package
# related_resources:
#   - https://github.com/falcosecurity/falcoctl#artifact-signature-verification
# schemas:
#   - input: schema.runtime
# custom:
#   severity: high
#   layer: runtime
#   kind: effect
#   subjects: artifacts
#   no_remedy: "the registry must offer TLS and signatures first; then plainHTTP, insecureSkipVerify and noVerify can go"
#   controls: [SOC2-CC7.2, ATTACK-T1562]
#   since: "0.1"
package kguard.runtime.rules_from_anybody

_words := {
	"plain_http": "over plain HTTP",
	"any_certificate": "from whatever certificate answers",
	"no_signature": "without a look at its signature",
}

deny contains finding if {
	some artifact in input.artifacts
	count(artifact.careless) > 0
	finding := {
		"target": artifact.installation,
		"path": sprintf("%s/%s", [artifact.fetch, artifact.reference]),
		"message": sprintf("%s fetches %s %s", [
			artifact.installation.name, artifact.reference,
			concat(" and ", [_words[one] | some one in artifact.careless]),
		]),
		"evidence": artifact.because,
	}
}
