# METADATA
# title: Registry refuses to answer more questions about images
# description: |
#   The registry said that it was asked too often (429), and went on saying so after the pauses that
#   it asked for. That is no pass and not the same as being unsigned: the answer is unknown, unless
#   the parameter `fail` makes it a failure.
# scope: package
# related_resources:
#   - https://docs.docker.com/docker-hub/usage/
# schemas:
#   - input: schema.images
# custom:
#   severity: high
#   layer: images
#   kind: effect
#   subjects: uses
#   no_remedy: "log in, ask a mirror (registries.mirrors), or scan once more later: what was read is in the cache"
#   controls: [ATTACK-M1045]
#   since: "0.1"
#   params:
#     fail:
#       type: boolean
#       default: false
package kguard.images.registry_rate_limited

unknown contains finding if {
	input.params["images/registry-rate-limited"].fail == false
	some finding in _findings
}

# where the settings say that what is not known is not let through
deny contains finding if {
	input.params["images/registry-rate-limited"].fail == true
	some finding in _findings
}

_findings contains finding if {
	some use in input.uses
	use.signature == "unknown_rate_limited"
	finding := {
		"target": use.ref,
		"path": sprintf("%s/%s", [use.role, use.container]),
		"message": sprintf("whether %s is signed is not known, its registry refuses further questions: %s", [use.label, use.signature_reason]),
		"evidence": use.signature_because,
	}
}
