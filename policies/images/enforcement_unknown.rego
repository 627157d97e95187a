# METADATA
# title: Whether a bad signature is refused cannot be told
# description: |
#   An expression, a precondition, remote data, labels or a webhook that are not in the input decide
#   whether the enforcer refuses this image. It is said only of a whole cluster, unless the parameter
#   `fail` makes it a failure there.
# scope: package
# related_resources:
#   - https://kubernetes.io/docs/reference/access-authn-authz/extensible-admission-controllers/
# schemas:
#   - input: schema.images
# custom:
#   severity: medium
#   layer: images
#   kind: effect
#   subjects: uses
#   no_remedy: "scan the whole cluster, or write the policy without what only the API server can evaluate"
#   controls: [CIS-5.5.1, ATTACK-M1045]
#   since: "0.1"
#   params:
#     fail:
#       type: boolean
#       default: false
package kguard.images.enforcement_unknown

unknown contains finding if {
	input.params["images/enforcement-unknown"].fail == false
	some finding in _findings
}

# where the settings say that what is not known is not let through
deny contains finding if {
	input.params["images/enforcement-unknown"].fail == true
	some finding in _findings
}

_findings contains finding if {
	input.scope == "cluster"
	some use in input.uses
	use.enforcement == "unknown"
	use.enforcer != ""
	finding := {
		"target": use.ref,
		"path": sprintf("%s/%s", [use.role, use.container]),
		"message": sprintf("whether %s refuses a bad %s is not known", [use.enforcer, use.label]),
		"evidence": use.enforcement_because,
	}
}
