package kguard.mtls.linkerd_unauthenticated_test

import data.kguard.mtls.linkerd_unauthenticated as policy

_facts(scope, accepts, decided_by) := {
	"scope": scope,
	"linkerd": [{
		"ref": {"kind": "Deployment", "name": "cart"},
		"meshed": "yes",
		"modes": [{
			"ports": ["8080", "other"],
			"accepts": accepts,
			"decided_by": decided_by,
			"because": [],
		}],
	}],
}

test_deny_by_default if {
	findings := policy.deny with input as _facts("cluster", "unauthenticated", "default policy all-unauthenticated")
	findings == {{
		"target": {"kind": "Deployment", "name": "cart"},
		"path": "8080/other",
		"message": "cart admits clients without identity on port 8080 and all others: default policy all-unauthenticated",
		"evidence": [],
		"severity": "high",
	}}
}

test_deny_weighs_less_where_the_default_is_assumed if {
	severities := {found.severity | some found in policy.deny} with input as _facts("app", "unauthenticated", "default policy audit")
	severities == {"medium"}
}

test_deny_tls_without_identity if {
	findings := policy.deny with input as _facts("app", "tls", "Server shop/cart")
	{[found.severity, found.message] | some found in findings} == {["high", "cart admits TLS without an identity of the client on port 8080 and all others: Server shop/cart"]}
}

test_deny_ports_that_the_proxy_does_not_see if {
	findings := policy.deny with input as _facts("app", "uncaptured", "skipped inbound ports")
	{[found.severity, found.message] | some found in findings} == {["medium", "cart admits anybody, past the proxy, on port 8080 and all others: skipped inbound ports"]}
}

test_allow_those_that_ask if {
	every accepts in {"authenticated", "nobody", "unknown"} {
		findings := policy.deny with input as _facts("app", accepts, "Server shop/cart")
		count(findings) == 0
	}
}

test_unknown_between_two_servers if {
	findings := policy.unknown with input as _facts("app", "unknown", "Servers a and b")
	findings == {{
		"target": {"kind": "Deployment", "name": "cart"},
		"path": "8080/other",
		"message": "whom cart admits on port 8080 and all others cannot be told",
		"evidence": [],
	}}
}
