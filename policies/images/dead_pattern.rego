# METADATA
# title: Image pattern of a policy matches nothing
# description: |
#   The pattern is refused by the enforcer, it names a tag (policy-controller compares
#   `repository@sha256:...`, so that `repository:*` matches nothing), or no image of the whole
#   cluster matches it: a misspelt registry, or `*` and `*/*`, which are read as Docker Hub only.
# scope: package
# related_resources:
#   - https://docs.sigstore.dev/policy-controller/overview/#configuring-image-patterns
# schemas:
#   - input: schema.images
# custom:
#   severity: low
#   layer: images
#   kind: posture
#   subjects: policies
#   no_remedy: "which images were meant is not known"
#   since: "0.1"
package kguard.images.dead_pattern

deny contains finding if {
	some policy in input.policies
	some pattern in policy.patterns
	pattern.valid == "false"
	finding := _finding(policy, pattern, "%s has a pattern that can match nothing: %s", "medium")
}

deny contains finding if {
	input.scope == "cluster"
	some policy in input.policies
	some pattern in policy.patterns
	pattern.valid == "true"
	pattern.images == 0
	finding := _finding(policy, pattern, "%s has a pattern that no image matches: %s", "low")
}

_finding(policy, pattern, format, severity) := {
	"target": policy.ref,
	"path": sprintf("%s/%s", [policy.rule, pattern.text]),
	"message": sprintf(format, [policy.ref.name, pattern.text]),
	"evidence": pattern.because,
	"severity": severity,
}
