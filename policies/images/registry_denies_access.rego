# METADATA
# title: Registry does not let an image's signatures be read
# description: |
#   The registry demands credentials that were not given, or refuses those that were (401, 403).
#   What a node's own credential provider knows cannot be seen from outside. That is no pass and not
#   the same as being unsigned: the answer is unknown, unless the parameter `fail` makes it a
#   failure.
# scope: package
# related_resources:
#   - https://kubernetes.io/docs/concepts/containers/images/#using-a-private-registry
# schemas:
#   - input: schema.images
# custom:
#   severity: high
#   layer: images
#   kind: effect
#   subjects: uses
#   no_remedy: "log in (docker login, a credential helper), or let pull secrets be read with --read-secrets"
#   controls: [ATTACK-M1045]
#   since: "0.1"
#   params:
#     fail:
#       type: boolean
#       default: false
package kguard.images.registry_denies_access

unknown contains finding if {
	input.params["images/registry-denies-access"].fail == false
	some finding in _findings
}

# where the settings say that what is not known is not let through
deny contains finding if {
	input.params["images/registry-denies-access"].fail == true
	some finding in _findings
}

_findings contains finding if {
	some use in input.uses
	use.signature == "unknown_auth"
	finding := {
		"target": use.ref,
		"path": sprintf("%s/%s", [use.role, use.container]),
		"message": sprintf("whether %s is signed is not known, its registry denies access: %s", [use.label, use.signature_reason]),
		"evidence": use.signature_because,
	}
}
