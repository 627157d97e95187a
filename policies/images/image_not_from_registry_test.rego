package kguard.images.image_not_from_registry_test

import data.kguard.images.image_not_from_registry as policy

test_deny_what_was_loaded_into_the_node if {
	policy.deny == {_finding} with input as _document("unresolvable", "pod_config")
}

# images/invalid-reference says it
test_allow_what_cannot_be_read if {
	count(policy.deny) == 0 with input as _document("unresolvable", "unresolved")
}

test_allow_every_other_class if {
	every class in ["verified", "unsigned", "not_found", "unknown_auth", "not_evaluated"] {
		count(policy.deny) == 0 with input as _document(class, "pod_status")
	}
}

_ref := {"apiVersion": "v1", "kind": "Pod", "namespace": "shop", "name": "app"}

_document(class, how) := {"uses": [{
	"ref": _ref,
	"role": "container",
	"container": "app",
	"label": "app:1",
	"how": how,
	"signature": class,
	"signature_reason": "why",
	"signature_because": [],
}]}

_finding := {
	"target": _ref,
	"path": "container/app",
	"message": "whether what runs as app:1 is signed cannot be asked anywhere: why",
	"evidence": [],
}
