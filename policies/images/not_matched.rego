# METADATA
# title: No policy of the enforcer applies to the image
# description: |
#   An enforcer looks at these pods, but none of its policies applies to the image, and such an image
#   is let in. Often a glob that misses the registry, the tag or one level of the path, a policy for
#   other namespaces, or an exception.
# scope: package
# related_resources:
#   - https://docs.sigstore.dev/policy-controller/overview/#configuring-image-patterns
# schemas:
#   - input: schema.images
# custom:
#   severity: medium
#   layer: images
#   kind: effect
#   subjects: uses
#   remedy: enforce
#   controls: [CIS-5.5.1, ATTACK-M1045]
#   since: "0.1"
package kguard.images.not_matched

deny contains finding if {
	some use in input.uses
	use.enforcement == "not_matched"
	finding := {
		"target": use.ref,
		"path": sprintf("%s/%s", [use.role, use.container]),
		"message": sprintf("%s lets %s in: none of its policies applies", [use.enforcer, use.label]),
		"evidence": use.enforcement_because,
	}
}
