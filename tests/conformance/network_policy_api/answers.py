# SPDX-License-Identifier: Apache-2.0
"""What do the probes of the ClusterNetworkPolicy conformance suite expect, and what do we say?

The suite of kubernetes-sigs/network-policy-api as data: base manifests, mutations in order, probes.
The StatefulSets stand as their pods, with addresses, as they would be read from a cluster.
"""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from kguard.inventory import build
from kguard.layers.network.semantics.cluster import Cluster
from kguard.layers.network.semantics.profiles import PROFILES
from kguard.model.manifests import Collected, Manifest, SourceText

Objects = list[dict[str, Any]]

NODE = "172.18.0.2"
_PORT = re.compile(r"\{\{ index \.HostNetworkPorts (\d+) \}\}")
_ADDRESS = re.compile(r"podIP:(?P<pod>[^/]+/[^/]+)/32")


def probes(folder: Path) -> Iterator[tuple[str, Any, Any]]:
    """Every probe: expected and ours."""
    table = json.loads((folder / "probes.json").read_text())
    first = table["host_network_ports"]["first"]
    for test in table["tests"]:
        files = ["base/manifests.yaml", *test["manifests"]]
        objects = [found for name in files for found in _read(folder / name, first)]
        world = [pod for found in objects for pod in _pods(found)]
        yield from _run(test, world)


def _read(path: Path, first: int) -> Objects:
    text = _PORT.sub(lambda found: str(first + int(found[1])), path.read_text())
    return [found for found in yaml.safe_load_all(text) if found]


def _pods(value: dict[str, Any]) -> Objects:
    """The pods of a StatefulSet; other objects as they are."""
    if value["kind"] != "StatefulSet":
        return [value]
    name, namespace = value["metadata"]["name"], value["metadata"]["namespace"]
    template = value["spec"]["template"]
    host = template["spec"].get("hostNetwork")
    return [
        {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {**template["metadata"], "name": f"{name}-{n}", "namespace": namespace},
            "spec": template["spec"],
            "status": {"podIP": NODE if host else f"10.244.{sum(map(ord, name)) % 200}.{n + 1}"},
        }
        for n in range(value["spec"]["replicas"])
    ]


def _run(test: dict[str, Any], world: Objects) -> Iterator[tuple[str, Any, Any]]:
    labels = {"kubernetes.io/os": "linux"}
    status = {"addresses": [{"type": "InternalIP", "address": NODE}]}
    node = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "node", "labels": labels}}
    world = [*world, {**node, "status": status}]
    cluster = None
    for subtest in test["subtests"]:
        for number, step in enumerate(subtest["steps"]):
            if "op" in step:
                world, cluster = _change(world, step), None
                continue
            cluster = cluster or _cluster(world)
            probe = step["probe"]
            name = f"{test['test']}/{subtest['name']}/{number}"
            yield name, probe["expected"], _ours(cluster, probe)


def _cluster(world: Objects) -> Cluster:
    found = [Manifest(value, SourceText("", n, 1, "")) for n, value in enumerate(world)]
    inventory = build(Collected(manifests=copy.deepcopy(found)))
    return Cluster(inventory, PROFILES["kube-network-policies"], whole=True)


def _ours(cluster: Cluster, probe: dict[str, Any]) -> bool | None:
    names = [f"{w.namespace}/{w.name}" for w in cluster.workloads]
    ends = [names.index(probe[end]) for end in ("from", "to")]
    ports = cluster.reach.connection(*ends)
    atom = cluster.reach.ports.of_port(probe["protocol"].upper(), probe["port"])
    if ports.must & atom:
        return True
    return None if ports.may & atom else False


def _change(world: Objects, step: dict[str, Any]) -> Objects:
    """The objects after a mutation."""
    world = copy.deepcopy(world)
    if step["op"] == "delete_networkpolicy":
        gone = ("NetworkPolicy", step["namespace"], step["name"])
        return [found for found in world if _identity(found) != gone]
    if step["op"] == "set_namespace_labels":
        wanted = ("Namespace", "", step["namespace"])
        found = next(value for value in world if _identity(value) == wanted)
        found["metadata"]["labels"] = step["labels"]
        return world
    spec = next(v for v in world if _identity(v) == ("ClusterNetworkPolicy", "", step["policy"]))
    _mutate(spec["spec"], step, world)
    return world


def _identity(value: dict[str, Any]) -> tuple[str, str, str]:
    metadata = value["metadata"]
    return value["kind"], metadata.get("namespace", ""), metadata["name"]


def _mutate(spec: dict[str, Any], step: dict[str, Any], world: Objects) -> None:
    rules = spec.get(step.get("direction", ""), [])
    match step["op"]:
        case "swap_rules":
            i, j = step["i"], step["j"]
            rules[i], rules[j] = rules[j], rules[i]
        case "set_rule_protocols":
            rules[step["index"]]["protocols"] = step["protocols"]
        case "insert_rule":
            rules.insert(step["index"], _addressed(step["rule"], world))
        case "set_action":
            rules[step["index"]]["action"] = step["action"]
        case "set_priority":
            spec["priority"] = step["priority"]
        case other:
            raise ValueError(other)


def _addressed(rule: Any, world: Objects) -> Any:
    """A rule with the addresses of the pods that it names."""
    pods = {f"{v['metadata']['namespace']}/{v['metadata']['name']}": v for v in world if _pod(v)}

    def address(found: re.Match[str]) -> str:
        return f"{pods[found['pod']]['status']['podIP']}/32"

    return json.loads(_ADDRESS.sub(address, json.dumps(rule)))


def _pod(value: dict[str, Any]) -> bool:
    return value["kind"] == "Pod"
