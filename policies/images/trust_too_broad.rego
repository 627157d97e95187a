# METADATA
# title: Image policy trusts too many signers
# description: |
#   The policy demands a signature, but one that anybody can make: no identity, an expression such
#   as `.*`, every repository of a public forge, or `static: pass`. Expressions are matched
#   unanchored, so that `acme` also accepts `evil/acme-tools`.
# scope: package
# related_resources:
#   - https://docs.sigstore.dev/policy-controller/overview/#configuring-keyless-authorities
# schemas:
#   - input: schema.images
# custom:
#   severity: high
#   layer: images
#   kind: effect
#   subjects: policies
#   no_remedy: "whom to trust is the owner's decision; the finding quotes the expression to narrow"
#   controls: [CIS-5.5.1, ATTACK-M1045]
#   since: "0.1"
package kguard.images.trust_too_broad

deny contains finding if {
	some policy in input.policies
	policy.trust == "everyone"
	finding := {
		"target": policy.ref,
		"path": policy.rule,
		"message": sprintf("%s is satisfied by anybody's signature, or by none", [policy.ref.name]),
		"evidence": policy.trust_because,
	}
}

deny contains finding if {
	some policy in input.policies
	policy.trust == "unanchored"
	finding := {
		"target": policy.ref,
		"path": policy.rule,
		"message": sprintf("%s accepts longer identities that contain its expression", [policy.ref.name]),
		"evidence": policy.trust_because,
		"severity": "medium",
	}
}

unknown contains finding if {
	some policy in input.policies
	policy.trust == "unknown"
	finding := {
		"target": policy.ref,
		"path": policy.rule,
		"message": sprintf("whom %s trusts cannot be judged", [policy.ref.name]),
		"evidence": policy.trust_because,
	}
}
