package kguard.images.trust_too_broad_test

import data.kguard.images.trust_too_broad as policy

test_deny_everyone if {
	policy.deny == {_finding("signed is satisfied by anybody's signature, or by none")} with input as _document("everyone")
}

test_deny_unanchored_expressions_mildly if {
	finding := object.union(
		_finding("signed accepts longer identities that contain its expression"),
		{"severity": "medium"},
	)
	policy.deny == {finding} with input as _document("unanchored")
}

test_allow_named_signers if {
	every trust in ["named", "nobody", "unknown"] {
		count(policy.deny) == 0 with input as _document(trust)
	}
}

test_unknown_expressions if {
	policy.unknown == {_finding("whom signed trusts cannot be judged")} with input as _document("unknown")
}

_ref := {"apiVersion": "policy.sigstore.dev/v1beta1", "kind": "ClusterImagePolicy", "name": "signed"}

_document(trust) := {"policies": [{"ref": _ref, "rule": "", "trust": trust, "trust_because": []}]}

_finding(message) := {
	"target": _ref,
	"path": "",
	"message": message,
	"evidence": [],
}
