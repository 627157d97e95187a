package kguard.runtime.node_not_watched_test

import data.kguard.runtime.node_not_watched as policy

_falco := {"kind": "DaemonSet", "namespace": "falco", "name": "falco"}

_node(state, obstacle, detail) := {
	"ref": {"kind": "Node", "name": "gpu-1"},
	"state": state,
	"obstacle": obstacle,
	"detail": detail,
	"taints": [],
	"installation": _falco,
	"only_here": [],
	"runs_here": [],
	"because": [{"ref": "Node/-/gpu-1", "note": "the taint"}],
}

_facts(scope, nodes, reach) := {
	"scope": scope,
	"nodes": nodes,
	"installations": [{"ref": _falco, "kind": "daemonset", "reach": reach, "because": []}],
}

test_deny_taint if {
	facts := _facts("app", [_node("unwatched", "taint", "gpu:NoSchedule")], "some_nodes")
	findings := policy.deny with input as facts
	findings == {{
		"target": {"kind": "Node", "name": "gpu-1"},
		"path": "taint",
		"message": "gpu-1 runs no Falco: falco does not tolerate its taint gpu:NoSchedule",
		"evidence": [{"ref": "Node/-/gpu-1", "note": "the taint"}],
	}}
}

test_deny_names_workloads if {
	node := object.union(_node("unwatched", "taint", "gpu:NoSchedule"), {"only_here": ["a/b", "c/d"]})
	findings := policy.deny with input as _facts("app", [node], "some_nodes")
	{finding.message | some finding in findings} == {"gpu-1 runs no Falco: falco does not tolerate its taint gpu:NoSchedule; a/b, c/d can run nowhere else"}
}

test_deny_selector if {
	facts := _facts("app", [_node("unwatched", "node_selector", "pool=a")], "some_nodes")
	findings := policy.deny with input as facts
	{finding.message | some finding in findings} == {"gpu-1 runs no Falco: falco asks for pool=a"}
}

test_allow_watched_and_unwatchable if {
	nodes := [_node("watched", "none", ""), _node("unwatchable", "platform", "x=y")]
	findings := policy.deny with input as _facts("cluster", nodes, "every_node")
	count(findings) == 0
}

test_unknown_without_nodes if {
	findings := policy.unknown with input as _facts("cluster", [], "unknown")
	findings == {{
		"target": _falco,
		"path": "",
		"message": "falco may miss nodes: it does not tolerate every taint",
		"evidence": [{"note": "no Node object is in the input"}],
	}}
}

test_no_unknown_for_applications_or_known_reach if {
	every facts in [_facts("app", [], "unknown"), _facts("cluster", [], "every_node")] {
		findings := policy.unknown with input as facts
		count(findings) == 0
	}
}

test_deny_names_who_runs_there if {
	node := object.union(_node("unwatched", "kernel", "the kernel 4.4.0"), {"runs_here": ["shop/cart"]})
	findings := policy.deny with input as _facts("app", [node], "some_nodes")
	{finding.message | some finding in findings} == {"gpu-1 runs no Falco: the kernel 4.4.0; shop/cart runs there"}
}

test_deny_without_a_daemonset if {
	node := _node("unwatched", "no_daemonset", "no Falco that reads system calls runs on every node")
	findings := policy.deny with input as _facts("app", [node], "unknown")
	{finding.message | some finding in findings} == {"gpu-1 runs no Falco: no Falco that reads system calls runs on every node"}
}

test_unknown_kernel if {
	node := _node("unknown", "kernel", "the kernel 4.18.0-477.el8")
	findings := policy.unknown with input as _facts("app", [node], "every_node")
	{finding.message | some finding in findings} == {"cannot tell whether Falco works on gpu-1: the kernel 4.18.0-477.el8"}
	denied := policy.deny with input as _facts("app", [node], "every_node")
	count(denied) == 0
}

test_deny_a_pod_that_is_not_ready if {
	node := _node("unwatched", "not_running", "the Falco pod falco-x is not ready")
	findings := policy.deny with input as _facts("cluster", [node], "some_nodes")
	{finding.message | some finding in findings} == {"gpu-1 runs no Falco: the Falco pod falco-x is not ready"}
}
