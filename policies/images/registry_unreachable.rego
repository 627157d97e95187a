# METADATA
# title: Registry of an image cannot be reached
# description: |
#   No name, no connection, no trusted certificate, no answer in time, or an answer that is none (a
#   server error, something else than a manifest, more than is read). That is no pass and not the
#   same as being unsigned: the answer is unknown, unless the parameter `fail` makes it a failure.
# scope: package
# related_resources:
#   - https://github.com/opencontainers/distribution-spec/blob/main/spec.md
# schemas:
#   - input: schema.images
# custom:
#   severity: high
#   layer: images
#   kind: effect
#   subjects: uses
#   no_remedy: "mend the way to the registry (proxy, registries.ca-files, registries.mirrors), or collect evidence where it can be reached (kguard images collect)"
#   controls: [ATTACK-M1045]
#   since: "0.1"
#   params:
#     fail:
#       type: boolean
#       default: false
package kguard.images.registry_unreachable

unknown contains finding if {
	input.params["images/registry-unreachable"].fail == false
	some finding in _findings
}

# where the settings say that what is not known is not let through
deny contains finding if {
	input.params["images/registry-unreachable"].fail == true
	some finding in _findings
}

_findings contains finding if {
	some use in input.uses
	use.signature == "unknown_unreachable"
	finding := {
		"target": use.ref,
		"path": sprintf("%s/%s", [use.role, use.container]),
		"message": sprintf("whether %s is signed is not known, its registry does not answer: %s", [use.label, use.signature_reason]),
		"evidence": use.signature_because,
	}
}
