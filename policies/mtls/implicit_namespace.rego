# METADATA
# title: A PeerAuthentication names no namespace
# description: |
#   Without metadata.namespace the policy lands in whatever namespace it is applied to. Only in
#   the root namespace is a policy without selector about the whole mesh.
# scope: package
# related_resources:
#   - https://istio.io/latest/docs/reference/config/security/peer_authentication/
# schemas:
#   - input: schema.mtls
# custom:
#   severity: medium
#   layer: mtls
#   kind: posture
#   subjects: policies
#   no_remedy: "whether one namespace or the whole mesh was meant is known to its author only"
#   controls: [SOC2-CC6.7, ATTACK-M1041]
#   since: "0.1"
package kguard.mtls.implicit_namespace

deny contains finding if {
	some policy in input.policies
	policy.namespace_written == "false"
	policy.scope == "namespace"
	finding := {
		"target": policy.ref,
		"path": "",
		"message": sprintf("applied as it is, this policy is about namespace %s and not about the mesh (root namespace %s)", [
			policy.ref.namespace,
			input.mesh.root,
		]),
		"evidence": [{
			"ref": _id(policy.ref),
			"pointer": "/metadata",
			"note": "no metadata.namespace",
		}],
	}
}

_id(ref) := sprintf("PeerAuthentication.security.istio.io/%s/%s", [ref.namespace, ref.name])
