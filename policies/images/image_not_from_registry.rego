# METADATA
# title: Image was loaded into the node and comes from no registry
# description: |
#   The pods run an image of which the node knows the configuration alone: it was imported by hand,
#   or the runtime does not tell its digest. No signature can be looked up for it, and a new node
#   pulls whatever its name means then.
# scope: package
# related_resources:
#   - https://kubernetes.io/docs/concepts/containers/images/
# schemas:
#   - input: schema.images
# custom:
#   severity: medium
#   layer: images
#   kind: effect
#   subjects: uses
#   no_remedy: "push the image to a registry, sign it there and name it by digest"
#   controls: [ATTACK-M1045]
#   since: "0.1"
package kguard.images.image_not_from_registry

deny contains finding if {
	some use in input.uses
	use.signature == "unresolvable"
	use.how == "pod_config"
	finding := {
		"target": use.ref,
		"path": sprintf("%s/%s", [use.role, use.container]),
		"message": sprintf("whether what runs as %s is signed cannot be asked anywhere: %s", [use.label, use.signature_reason]),
		"evidence": use.signature_because,
	}
}
