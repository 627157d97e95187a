# METADATA
# title: Nothing in the cluster checks the signatures of images
# description: |
#   There is no policy-controller, Kyverno, Ratify or Connaisseur, and no policy for the nodes: any
#   image can be started in this namespace, signed or not. It is said only of a whole cluster.
# scope: package
# related_resources:
#   - https://kubernetes.io/docs/concepts/security/cloud-native-security/
# schemas:
#   - input: schema.images
# custom:
#   severity: high
#   layer: images
#   kind: effect
#   subjects: namespaces
#   remedy: enforce
#   controls: [CIS-5.5.1, ATTACK-M1045]
#   since: "0.1"
#   params:
#     exempt:
#       type: array
#       items: {type: string}
#       default: [kube-system, kube-public, kube-node-lease]
package kguard.images.no_enforcer

deny contains finding if {
	input.scope == "cluster"
	some namespace in input.namespaces
	namespace.looked_at == "no_enforcer"
	count({namespace.ref.name} - _exempt) == 1
	finding := {
		"target": namespace.ref,
		"path": "",
		"message": sprintf("nothing refuses unsigned images in namespace %s (%s)", [namespace.ref.name, _images(namespace.images)]),
		"evidence": namespace.because,
	}
}

_exempt := {name | some name in input.params["images/no-enforcer"].exempt}

_images(1) := "1 image"

_images(number) := sprintf("%d images", [number]) if number != 1
