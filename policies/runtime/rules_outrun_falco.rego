# METADATA
# title: Newer rules may stop Falco
# description: |
#   Rules say which engine they need. Whoever installs the newest ones at every start (`latest`, or no
#   tag) gets, some day, rules for an engine that this Falco does not have, and Falco refuses to start.
#   `falco-rules:5` stays with one major version; what falcoctl follows it first compares with the
#   running engine.
# scope: package
# related_resources:
#   - https://github.com/falcosecurity/rules/issues/293
# schemas:
#   - input: schema.runtime
# custom:
#   severity: medium
#   layer: runtime
#   kind: effect
#   subjects: artifacts
#   no_remedy: "which major version of the rules fits is told by the version of Falco that is meant to run"
#   controls: [SOC2-CC7.2]
#   since: "0.1"
package kguard.runtime.rules_outrun_falco

deny contains finding if {
	some artifact in input.artifacts
	artifact.moving == true
	artifact.fetch == "install"
	finding := {
		"target": artifact.installation,
		"path": sprintf("%s/%s", [artifact.fetch, artifact.reference]),
		"message": sprintf("%s takes whatever %s is newest, also one that its Falco cannot load", [
			artifact.installation.name, artifact.reference,
		]),
		"evidence": artifact.because,
	}
}
