# METADATA
# title: Nothing refuses images that are named by tag
# description: |
#   The cluster admits pods whose images are named by tag, so that whoever may push to a registry
#   decides what runs next. The API server can refuse them by itself, without any further enforcer
#   (ValidatingAdmissionPolicy); where the policy only warns, or fails open, they are let in.
# scope: package
# related_resources:
#   - https://kubernetes.io/docs/reference/access-authn-authz/validating-admission-policy/
# schemas:
#   - input: schema.images
# custom:
#   severity: low
#   layer: images
#   kind: posture
#   subjects: namespaces
#   remedy: demand_digests
#   since: "0.1"
#   params:
#     exempt:
#       type: array
#       items: {type: string}
#       default: [kube-system, kube-public, kube-node-lease]
package kguard.images.tags_admitted

deny contains finding if {
	input.scope == "cluster"
	some namespace in input.namespaces
	some rule in ["none", "warn_only", "audit_only", "fail_open"]
	namespace.digests == rule
	exempt := {name | some name in input.params["images/tags-admitted"].exempt}
	count({namespace.ref.name} - exempt) == 1
	finding := {
		"target": namespace.ref,
		"path": "",
		"message": sprintf("namespace %s admits images by tag (digests: %s)", [namespace.ref.name, rule]),
		"evidence": namespace.digests_because,
	}
}
