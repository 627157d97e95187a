# SPDX-License-Identifier: Apache-2.0
"""Random clusters for the evaluation of NetworkPolicies, from a seed."""

from __future__ import annotations

from random import Random
from typing import Any

import msgspec

from kguard.inventory import build
from kguard.inventory.workload import ContainerPort
from kguard.layers.network.semantics.endpoints import NAME_LABEL, Endpoint, NamespaceLabels
from kguard.layers.network.semantics.networkpolicy import parse
from kguard.layers.network.semantics.policy import PodPolicy
from kguard.model.manifests import Collected, Manifest, SourceText

_KEYS = {"app": ("web", "api", "db"), "tier": ("fe", "be"), "env": ("prod", "dev")}
_NAMES = ("http", "grpc", "dns")
_PROTOCOLS = ("TCP", "UDP", "SCTP")
_NUMBERS = (53, 80, 443, 8080, 8081, 65535)
_BLOCKS = (
    ("0.0.0.0/0", ("10.0.0.0/8", "192.168.0.0/16")),
    ("10.0.0.0/8", ("10.1.0.0/16", "10.1.2.0/24")),
    ("10.1.0.0/16", ()),
    ("203.0.113.7/32", ()),
    ("::/0", ("fd00::/8",)),
    ("fd00::/8", ()),
)


class Cluster(msgspec.Struct):
    """What the evaluation is given."""

    endpoints: list[Endpoint]
    namespaces: dict[str, NamespaceLabels]
    policies: list[PodPolicy]


def cluster(seed: int) -> Cluster:
    """A small cluster in which most features occur."""
    rng = Random(seed)
    names = [f"ns{n}" for n in range(rng.randint(1, 3))]
    return Cluster(
        endpoints=[_endpoint(rng, names) for _ in range(rng.randint(2, 7))],
        namespaces={name: _namespace(rng, name) for name in names},
        policies=[_policy(rng, names, n) for n in range(rng.randint(0, 5))],
    )


def _labels(rng: Random) -> dict[str, str]:
    keys = rng.sample(sorted(_KEYS), rng.randint(0, 3))
    return {key: rng.choice(_KEYS[key]) for key in keys}


def _namespace(rng: Random, name: str) -> NamespaceLabels:
    return NamespaceLabels({NAME_LABEL: name, **_labels(rng)}, known=rng.random() < 0.8)


def _endpoint(rng: Random, names: list[str]) -> Endpoint:
    ports = tuple(
        ContainerPort(rng.choice(_NUMBERS), rng.choice(_PROTOCOLS), rng.choice(_NAMES))
        for _ in range(rng.randint(0, 3))
    )
    address = (f"10.{rng.randint(0, 2)}.{rng.randint(0, 3)}.9",) if rng.random() < 0.3 else ()
    return Endpoint(
        namespace=rng.choice(names),
        labels=_labels(rng),
        ports=ports,
        host_network=rng.random() < 0.1,
        labels_known=rng.random() < 0.9,
        addresses=address,
    )


def _selector(rng: Random) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if rng.random() < 0.5:
        found["matchLabels"] = _labels(rng)
    if rng.random() < 0.4:
        key = rng.choice(sorted(_KEYS))
        operator = rng.choice(("In", "NotIn", "Exists", "DoesNotExist"))
        entry: dict[str, Any] = {"key": key, "operator": operator}
        if operator in ("In", "NotIn"):
            entry["values"] = rng.sample(_KEYS[key], rng.randint(1, 2))
        found["matchExpressions"] = [entry]
    return found


def _peer(rng: Random, names: list[str]) -> dict[str, Any]:
    kind = rng.randrange(5)
    if kind == 0:
        cidr, excepted = rng.choice(_BLOCKS)
        return {"ipBlock": {"cidr": cidr, "except": list(excepted)}}
    peer: dict[str, Any] = {}
    if kind in (1, 2):
        peer["podSelector"] = _selector(rng)
    if kind in (2, 3):
        peer["namespaceSelector"] = _selector(rng)
    if kind == 4:
        peer["namespaceSelector"] = {"matchLabels": {NAME_LABEL: rng.choice(names)}}
    return peer


def _port(rng: Random) -> dict[str, Any]:
    kind = rng.randrange(4)
    found: dict[str, Any] = {"protocol": rng.choice(_PROTOCOLS)} if rng.random() < 0.7 else {}
    if kind == 1:
        found["port"] = rng.choice(_NAMES)
    elif kind > 1:
        found["port"] = rng.choice(_NUMBERS)
        if kind == 3:
            found["endPort"] = rng.randint(found["port"], 65535)
    return found


def _rule(rng: Random, names: list[str], peers: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if rng.random() < 0.8:
        found[peers] = [_peer(rng, names) for _ in range(rng.randint(0, 3))]
    if rng.random() < 0.7:
        found["ports"] = [_port(rng) for _ in range(rng.randint(0, 3))]
    return found


def _policy(rng: Random, names: list[str], number: int) -> PodPolicy:
    spec: dict[str, Any] = {"podSelector": _selector(rng) if rng.random() < 0.7 else {}}
    if rng.random() < 0.6:
        spec["policyTypes"] = rng.sample(("Ingress", "Egress"), rng.randint(1, 2))
    if rng.random() < 0.7:
        spec["ingress"] = [_rule(rng, names, "from") for _ in range(rng.randint(0, 2))]
    if rng.random() < 0.6:
        spec["egress"] = [_rule(rng, names, "to") for _ in range(rng.randint(0, 2))]
    manifest = Manifest(
        object={
            "apiVersion": "networking.k8s.io/v1",
            "kind": "NetworkPolicy",
            "metadata": {"name": f"p{number}", "namespace": rng.choice(names)},
            "spec": spec,
        },
        text=SourceText("", number, 1, ""),
    )
    build(Collected(manifests=[manifest]))
    policy = parse(manifest)
    assert policy.problems == ()
    return policy
