# METADATA
# title: Enforcer of the namespace does not look at some of its pods
# description: |
#   The enforcer looks at other pods of the namespace, but its webhook leaves these out by their
#   labels (`objectSelector`). Whoever may label a pod can start any image.
# scope: package
# related_resources:
#   - https://kubernetes.io/docs/reference/access-authn-authz/extensible-admission-controllers/#matching-requests-objectselector
# schemas:
#   - input: schema.images
# custom:
#   severity: medium
#   layer: images
#   kind: effect
#   subjects: uses
#   no_remedy: "take the label away, or the objectSelector of the webhook: which of the two, its owner knows"
#   controls: [CIS-5.5.1, ATTACK-M1045]
#   since: "0.1"
package kguard.images.pods_not_selected

deny contains finding if {
	some use in input.uses
	use.enforcement == "not_selected"
	use.ref.namespace in _looked_at
	finding := {
		"target": use.ref,
		"path": sprintf("%s/%s", [use.role, use.container]),
		"message": sprintf("%s does not look at the pods that run %s", [use.enforcer, use.label]),
		"evidence": use.enforcement_because,
	}
}

_looked_at contains namespace.ref.name if {
	some namespace in input.namespaces
	namespace.looked_at == "true"
}
