package kguard.images.signature_not_visible_test

import data.kguard.images.signature_not_visible as policy

test_deny_a_format_that_is_not_read if {
	policy.deny == {{
		"target": _ref,
		"path": "container/app",
		"message": "kyverno cannot see the signature of app: it is a bundle",
		"evidence": [{"note": "read"}, {"note": "signed"}, {"note": "matches"}],
	}} with input as {"uses": [_use("false")]}
}

test_allow_formats_that_are_read_or_not_known if {
	count(policy.deny) == 0 with input as {"uses": [_use("true"), _use("unknown")]}
}

_ref := {"apiVersion": "v1", "kind": "Pod", "namespace": "shop", "name": "app"}

_use(visible) := {
	"ref": _ref,
	"role": "container",
	"container": "app",
	"image": "app",
	"label": "app",
	"visible": visible,
	"enforcer": "kyverno",
	"format": "bundle",
	"visible_because": [{"note": "read"}],
	"signature_because": [{"note": "signed"}],
	"enforcement_because": [{"note": "matches"}],
}
