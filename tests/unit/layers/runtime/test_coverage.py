# SPDX-License-Identifier: Apache-2.0
"""Which nodes can Falco watch, and who runs on the others?"""

from __future__ import annotations

from typing import Any

import pytest

from kguard.layers.runtime.semantics.platforms import fit
from kguard.model.facts.runtime import Facts
from tests.unit.layers.runtime.test_facts import GPU, config_map, daemonset, facts, node


def info(**words: str) -> dict[str, Any]:
    return {"metadata": {"name": "n"}, "status": {"nodeInfo": words}}


@pytest.mark.parametrize(
    ("kernel", "engine", "state"),
    [
        ("5.8.0", "modern_ebpf", "fits"),
        ("5.7.19-generic", "modern_ebpf", "kernel"),
        ("6.1", "modern_ebpf", "fits"),
        ("10.0.1", "modern_ebpf", "fits"),
        ("4.18.0-477.el8.x86_64", "modern_ebpf", "unknown"),
        ("4.18.0-20-generic", "modern_ebpf", "kernel"),
        ("4.18.0-477.el8.x86_64", "kmod", "fits"),
        ("4.4.0", "", "fits"),
        ("3.10.0-1160.el7", "kmod", "fits"),
        ("2.6.32", "kmod", "kernel"),
        ("", "modern_ebpf", "fits"),
        ("a kernel", "modern_ebpf", "fits"),
    ],
)
def test_kernels(kernel, engine, state):
    assert fit(info(kernelVersion=kernel), engine).state == state


@pytest.mark.parametrize(
    ("found", "state"),
    [
        (info(operatingSystem="windows"), "never"),
        (info(operatingSystem="linux", architecture="arm64"), "fits"),
        (info(architecture="riscv64"), "never"),
        (node("v", type="virtual-kubelet"), "never"),
        (node("v", **{"kubernetes.io/os": "windows"}), "never"),
        (node("v", **{"kubernetes.io/os": "linux"}), "fits"),
        ({"metadata": 7, "status": {"nodeInfo": []}}, "fits"),
    ],
)
def test_platforms(found, state):
    assert fit(found, "modern_ebpf").state == state


def states(found: Facts) -> dict[str, tuple[str, str]]:
    return {n.ref.name: (n.state, n.obstacle) for n in found.nodes}


MODERN = "rules_files: [/etc/falco/rules.d]\nengine: {kind: modern_ebpf}\n"


def old(name: str, *taints: dict[str, str]) -> dict[str, Any]:
    return {**node(name, *taints), "status": {"nodeInfo": {"kernelVersion": "5.4.0"}}}


def test_a_falco_with_another_driver_watches_the_old_node():
    second = daemonset("other")
    second["metadata"] = {"name": "falco-kmod", "namespace": "falco"}
    modern = config_map("falco", falco__yaml=MODERN)
    module = config_map("other", falco__yaml=MODERN.replace("modern_ebpf", "kmod"))
    assert states(facts(daemonset(), modern, old("a"))) == {"a": ("unwatched", "kernel")}
    both = facts(daemonset(), second, modern, module, old("a"))
    assert states(both) == {"a": ("watched", "none")}
    assert {f.ref.name: f.reach for f in both.installations} == {
        "falco": "some_nodes",
        "falco-kmod": "every_node",
    }


def test_a_virtual_node_is_out_of_reach_of_a_falco_that_tolerates_everything():
    falco = daemonset(tolerations=[{"operator": "Exists"}])
    found = facts(falco, node("v", GPU, type="virtual-kubelet"), node("a", GPU))
    assert states(found) == {"v": ("unwatchable", "platform"), "a": ("watched", "none")}
    assert found.installations[0].reach == "every_node"


def deployment(name: str, **pod: Any) -> dict[str, Any]:
    spec = {"containers": [{"name": "c", "image": "a"}], **pod}
    metadata = {"name": name, "namespace": "shop"}
    template = {"metadata": {"labels": {"app": name}}, "spec": spec}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": metadata,
        "spec": {"template": template},
    }


def test_falcos_without_system_calls_watch_no_node():
    plugin_only = daemonset()
    plugin_only["kind"] = "Deployment"
    found = facts(plugin_only, node("a"), node("w", **{"kubernetes.io/os": "windows"}))
    assert states(found) == {"a": ("unwatched", "no_daemonset"), "w": ("unwatchable", "platform")}
    config = config_map("falco", falco__yaml="engine: {kind: nodriver}\n")
    assert states(facts(daemonset(), config, node("a"))) == {"a": ("unwatched", "no_daemonset")}


def test_a_falco_of_a_host_says_nothing_about_nodes():
    text = "rules_files: []\npriority: debug\njson_output: true\n"
    assert facts(node("a"), files={"falco.yaml": text}).nodes == []


def runtime_class(**scheduling: Any) -> dict[str, Any]:
    return {
        "apiVersion": "node.k8s.io/v1",
        "kind": "RuntimeClass",
        "metadata": {"name": "wasm"},
        "handler": "spin",
        "scheduling": scheduling,
    }


def test_a_runtime_class_sends_pods_to_its_nodes():
    toleration = {"key": "gpu", "operator": "Exists"}
    chosen = runtime_class(nodeSelector={"pool": "gpu"}, tolerations=[toleration])
    workload = deployment("cart", runtimeClassName="wasm")
    found = facts(daemonset(), chosen, workload, node("a"), node("b", GPU, pool="gpu"))
    assert {n.ref.name: n.only_here for n in found.nodes} == {"a": [], "b": ["shop/cart"]}
    found = facts(daemonset(), workload, node("a"), node("b", GPU, pool="gpu"))
    assert [n.only_here for n in found.nodes] == [[], []]


def pod(name: str, owner: tuple[str, str, str] = ("", "", ""), **status: str) -> dict[str, Any]:
    version, kind, above = owner
    reference = {"apiVersion": version, "kind": kind, "name": above, "controller": True}
    metadata = {"name": name, "namespace": "shop", "ownerReferences": [reference] if kind else []}
    spec = {"nodeName": "b", "containers": [{"name": "c", "image": "a"}]}
    value = {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}
    return {**value, "status": status}


def test_who_runs_on_an_unwatched_node_now():
    replicas = deployment("cart-7c")
    replicas["kind"] = "ReplicaSet"
    owner = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "cart", "controller": True}
    replicas["metadata"]["ownerReferences"] = [owner]
    found = facts(
        daemonset(),
        node("a"),
        node("b", GPU),
        deployment("cart"),
        replicas,
        pod("cart-7c-x", ("apps/v1", "ReplicaSet", "cart-7c")),
        pod("alone"),
        pod("done", phase="Succeeded"),
        pod("agent", ("apps/v1", "DaemonSet", "agent")),
        pod("mirror", ("v1", "Node", "b")),
    )
    assert {n.ref.name: n.runs_here for n in found.nodes} == {
        "a": [],
        "b": ["shop/alone", "shop/cart"],
    }


def test_owners_in_a_circle_end():
    replicas = deployment("loop")
    replicas["kind"] = "ReplicaSet"
    owner = {"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "loop", "controller": True}
    replicas["metadata"]["ownerReferences"] = [owner]
    member = pod("p", ("apps/v1", "ReplicaSet", "loop"))
    found = facts(daemonset(), node("b", GPU), replicas, member)
    assert found.nodes[0].runs_here == ["shop/loop"]


def member(node_name: str, *, ready: bool, owner: str = "falco") -> dict[str, Any]:
    made = pod(f"{owner}-{node_name}", ("apps/v1", "DaemonSet", owner))
    made["metadata"]["namespace"] = "falco"
    made["spec"]["nodeName"] = node_name
    made["status"] = {"conditions": [{"type": "Ready", "status": str(ready)}]}
    return made


def details(found: Facts) -> dict[str, tuple[str, str]]:
    return {n.ref.name: (n.obstacle, n.detail) for n in found.nodes}


def test_a_pod_that_is_not_ready_watches_nothing():
    pods = [member("a", ready=True), member("b", ready=False)]
    found = facts(daemonset(), node("a"), node("b"), node("c"), *pods)
    assert details(found) == {
        "a": ("none", ""),
        "b": ("not_running", "the Falco pod falco-b is not ready"),
        "c": ("not_running", "there is no Falco pod on it now"),
    }


def test_without_pods_of_falco_nothing_is_known_of_them():
    other = member("a", ready=False, owner="agent")
    assert details(facts(daemonset(), node("a"), other)) == {"a": ("none", "")}
    assert details(facts(daemonset(), node("a"), pod("alone"))) == {"a": ("none", "")}


def test_one_of_two_falcos_is_enough():
    second = daemonset()
    second["metadata"] = {"name": "spare", "namespace": "falco"}
    pods = [member("a", ready=False), member("a", ready=True, owner="spare")]
    assert details(facts(daemonset(), second, node("a"), *pods)) == {"a": ("none", "")}
    pods = [member("a", ready=False), member("a", ready=False, owner="spare")]
    assert details(facts(daemonset(), second, node("a"), *pods))["a"][0] == "not_running"


def test_a_new_pod_beside_an_old_one_counts():
    old_one, new_one = member("a", ready=False), member("a", ready=True)
    new_one["metadata"]["name"] = "falco-new"
    for pods in ([old_one, new_one], [new_one, old_one]):
        assert details(facts(daemonset(), node("a"), *pods)) == {"a": ("none", "")}
