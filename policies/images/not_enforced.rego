# METADATA
# title: No enforcer looks at the images of a namespace
# description: |
#   Signatures that nobody demands protect nothing: any image can be started in this namespace.
#   policy-controller looks only at namespaces with the label `policy.sigstore.dev/include=true`.
# scope: package
# related_resources:
#   - https://docs.sigstore.dev/policy-controller/overview/
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
#       default: [kube-system, kube-public, kube-node-lease, cosign-system, kyverno]
package kguard.images.not_enforced

deny contains finding if {
	some namespace in input.namespaces
	namespace.looked_at == "false"
	_counts(namespace)
	finding := _finding(namespace, "no enforcer looks at the pods of namespace %s (%s)")
}

unknown contains finding if {
	input.scope == "cluster"
	some namespace in input.namespaces
	namespace.looked_at == "unknown"
	_counts(namespace)
	finding := _finding(namespace, "whether an enforcer looks at namespace %s is not known (%s)")
}

_counts(namespace) if {
	exempt := {name | some name in input.params["images/not-enforced"].exempt}
	count({namespace.ref.name} - exempt) == 1
}

_finding(namespace, format) := {
	"target": namespace.ref,
	"path": "",
	"message": sprintf(format, [namespace.ref.name, _images(namespace.images)]),
	"evidence": namespace.because,
}

_images(1) := "1 image"

_images(number) := sprintf("%d images", [number]) if number != 1
