package kguard.mtls.trust_bundle_drift_test

import data.kguard.mtls.trust_bundle_drift as policy

test_deny_other_root if {
	bundle := {
		"ref": {"kind": "ConfigMap", "namespace": "shop", "name": "istio-ca-root-cert"},
		"because": [],
	}
	findings := policy.deny with input as {"trust_bundles": [bundle]}
	findings == {{
		"target": {"kind": "ConfigMap", "namespace": "shop", "name": "istio-ca-root-cert"},
		"path": "",
		"message": "namespace shop trusts another root than the mesh",
		"evidence": [],
	}}
}

test_allow_one_root if {
	findings := policy.deny with input as {"trust_bundles": []}
	count(findings) == 0
}
