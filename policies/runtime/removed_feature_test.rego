package kguard.runtime.removed_feature_test

import data.kguard.runtime.removed_feature as policy

_falco := {"kind": "DaemonSet", "namespace": "falco", "name": "falco"}

_facts(removed) := {"installations": [{"ref": _falco, "version": "0.44.1", "removed": removed}]}

_use(feature, state) := {"feature": feature, "state": state, "because": []}

test_deny_grpc if {
	findings := policy.deny with input as _facts([_use("grpc_output", "removed")])
	findings == {{
		"target": _falco,
		"path": "grpc_output",
		"message": "Falco 0.44.1 no longer has the gRPC output",
		"evidence": [],
	}}
}

test_deny_every_feature if {
	every feature in ["grpc_output", "grpc_server", "legacy_ebpf", "gvisor"] {
		findings := policy.deny with input as _facts([_use(feature, "removed")])
		count(findings) == 1
	}
}

test_allow_nothing_removed if {
	denied := policy.deny with input as _facts([])
	unsure := policy.unknown with input as _facts([])
	count(denied | unsure) == 0
}

test_unknown_version if {
	findings := policy.unknown with input as _facts([_use("gvisor", "unknown")])
	findings == {{
		"target": _falco,
		"path": "gvisor",
		"message": "the gVisor engine is gone since Falco 0.44; the version is not known",
		"evidence": [],
	}}
}
