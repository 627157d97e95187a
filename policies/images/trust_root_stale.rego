# METADATA
# title: Trusted root is out of date
# description: |
#   Signatures are checked against a root whose metadata has expired, or none of whose certificate
#   authorities is valid any more. What was rotated since is missed: new signatures look foreign,
#   and keys that were taken back still count.
# scope: package
# related_resources:
#   - https://docs.sigstore.dev/about/security/
# schemas:
#   - input: schema.images
# custom:
#   severity: low
#   layer: images
#   kind: posture
#   subjects: uses
#   no_remedy: "get a fresh root where there is a network (cosign trusted-root create --with-default-services --out trusted_root.json) and name it with --trusted-root or under trust.roots"
#   controls: [ATTACK-M1045]
#   since: "0.1"
#   params:
#     max_age_days:
#       type: integer
#       default: 0
#       minimum: 0
package kguard.images.trust_root_stale

deny contains finding if {
	some root in input.evidence.roots
	root.stale == "true"
	finding := _finding(root, sprintf("%s is out of date", [root.name]))
}

deny contains finding if {
	limit := input.params["images/trust-root-stale"].max_age_days
	limit > 0
	some root in input.evidence.roots
	some known in ["false", "unknown"]
	root.stale == known
	root.age_days > limit
	finding := _finding(root, sprintf("nothing in %s is newer than %s", [root.name, root.newest]))
}

_finding(root, message) := {
	"target": {"apiVersion": "", "kind": "TrustedRoot", "namespace": "", "name": root.name, "cluster": ""},
	"path": "",
	"message": message,
	"evidence": root.because,
}
