# METADATA
# title: Enforcer cannot read the image's signature
# description: |
#   The image is signed by someone trusted, but in a format that the policy in charge does not read:
#   cosign 3 writes bundles, and most enforcers still look for the older `.sig` tag. Where the policy
#   enforces, a good image is refused; where it only warns, the warning means nothing.
# scope: package
# related_resources:
#   - https://docs.sigstore.dev/policy-controller/overview/
# schemas:
#   - input: schema.images
# custom:
#   severity: medium
#   layer: images
#   kind: effect
#   subjects: uses
#   remedy: sign
#   controls: [CIS-5.5.1, ATTACK-M1045]
#   since: "0.1"
package kguard.images.signature_not_visible

deny contains finding if {
	some use in input.uses
	use.visible == "false"
	finding := {
		"target": use.ref,
		"path": sprintf("%s/%s", [use.role, use.container]),
		"message": sprintf("%s cannot see the signature of %s: it is a %s", [use.enforcer, use.label, use.format]),
		"evidence": array.concat(use.visible_because, array.concat(use.signature_because, use.enforcement_because)),
	}
}
