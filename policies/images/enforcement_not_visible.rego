# METADATA
# title: What the nodes demand of images cannot be seen
# description: |
#   containerd asks programs that lie on the node whether it may pull an image. Which programs those
#   are no manifest says, and where the folder is empty nothing is refused.
# scope: package
# related_resources:
#   - https://github.com/containerd/containerd/blob/main/docs/image-verification.md
# schemas:
#   - input: schema.images
# custom:
#   severity: info
#   layer: images
#   kind: effect
#   subjects: namespaces
#   no_remedy: "look into the folder on the nodes; an admission policy can be seen and proved"
#   controls: [CIS-5.5.1, ATTACK-M1045]
#   since: "0.1"
package kguard.images.enforcement_not_visible

deny contains finding if {
	some namespace in input.namespaces
	because := _hidden[namespace.ref.name]
	finding := {
		"target": namespace.ref,
		"path": "",
		"message": sprintf("whether nodes refuse bad images of namespace %s is not visible", [namespace.ref.name]),
		"evidence": sort(because)[0],
	}
}

# what the nodes may demand, by namespace: collected once, not for each namespace anew
_hidden[use.ref.namespace] contains use.enforcement_because if {
	some use in input.uses
	use.enforcement == "not_visible"
}
