# SPDX-License-Identifier: Apache-2.0
"""Which random clusters and connections do we ask Cilium's policy engine about?

Namespaces, pods, CiliumNetworkPolicies, CiliumClusterwideNetworkPolicies and NetworkPolicies as the
API server stores them. Some policies are broken on purpose, so that acceptance is asked too.
"""

from __future__ import annotations

from collections.abc import Iterator
from random import Random
from typing import Any

Json = dict[str, Any]

_KEYS = {"app": ("web", "api", "db"), "tier": ("fe", "be"), "env": ("prod", "dev")}
_TEAMS = ("red", "blue")
_NUMBERS = (53, 80, 443, 8080)
_NAMES = ("http", "dns")
_CIDRS = ("0.0.0.0/0", "10.0.0.0/8", "198.51.100.0/24", "203.0.113.7/32", "::/0", "2001:db8::/32")
_EXCEPT = {"0.0.0.0/0": "198.51.100.0/25", "10.0.0.0/8": "10.1.0.0/16", "::/0": "2001:db8::/48"}
_ENTITIES = ("all", "world", "cluster", "cluster", "none", "health", "remote-node", "host")
ADDRESSES = ("198.51.100.9", "198.51.100.200", "203.0.113.7", "10.1.2.3", "10.9.9.9", "2001:db8::1")
NODE = "remote-node"
_SPACE = "io.kubernetes.pod.namespace"
_SPACE_LABEL = "io.cilium.k8s.namespace.labels"


def questions(seed: int, count: int, asked: int) -> Iterator[Json]:
    """Clusters as objects, with what the oracle needs of them and the connections asked."""
    for number in range(count):
        yield _question(Random(seed * 1_000_003 + number), asked)


def _question(rng: Random, asked: int) -> Json:
    spaces = {f"ns{n}": _space_labels(rng, f"ns{n}") for n in range(rng.randint(1, 3))}
    pods = [_pod(rng, n, sorted(spaces)) for n in range(rng.randint(2, 5))]
    policies = [_policy(rng, n, sorted(spaces)) for n in range(rng.randint(1, 4))]
    ends = [*map(str, range(len(pods))), *ADDRESSES, NODE]
    return {
        "namespaces": spaces,
        "pods": pods,
        "policies": policies,
        "asked": [_connection(rng, ends, len(pods)) for _ in range(asked)],
    }


def oracle_question(question: Json) -> Json:
    """The same as the oracle reads it."""
    return {
        "policies": question["policies"],
        "pods": [_identity(pod, question["namespaces"]) for pod in question["pods"]],
        "addresses": list(ADDRESSES),
        "asked": question["asked"],
    }


def _identity(pod: Json, spaces: dict[str, dict[str, str]]) -> Json:
    namespace = pod["namespace"]
    labels = [f"k8s:{key}={value}" for key, value in pod["labels"].items()]
    labels += [f"k8s:{_SPACE_LABEL}.{key}={value}" for key, value in spaces[namespace].items()]
    labels += [f"k8s:{_SPACE}={namespace}", "k8s:io.cilium.k8s.policy.cluster=default"]
    labels.append(f"k8s:io.cilium.k8s.policy.serviceaccount={pod['account']}")
    ports: dict[str, Json] = {protocol.lower(): {} for protocol in ("TCP", "UDP")}
    for name, protocol, number in pod["ports"]:
        ports[protocol.lower()][name] = number
    return {"labels": labels, **ports}


def _connection(rng: Random, ends: list[str], pods: int) -> list[str]:
    first = str(rng.randrange(pods))
    other = rng.choice([end for end in ends if end != first])
    pair = [first, other] if rng.random() < 0.5 else [other, first]
    return [*pair, rng.choice(("TCP", "TCP", "UDP", "SCTP")), str(rng.choice((*_NUMBERS, 81)))]


def _space_labels(rng: Random, name: str) -> dict[str, str]:
    labels = {"kubernetes.io/metadata.name": name}
    return labels | ({"team": rng.choice(_TEAMS)} if rng.random() < 0.7 else {})


def _labels(rng: Random) -> dict[str, str]:
    keys = rng.sample(sorted(_KEYS), rng.randint(0, 2))
    return {key: rng.choice(_KEYS[key]) for key in keys}


def _pod(rng: Random, number: int, spaces: list[str]) -> Json:
    names = rng.sample(_NAMES, rng.randint(0, 2))
    return {
        "name": f"p{number}",
        "namespace": rng.choice(spaces),
        "labels": _labels(rng),
        "account": rng.choice(("default", "trusted")),
        "ports": [[name, rng.choice(("TCP", "UDP")), rng.choice(_NUMBERS)] for name in names],
    }


def _policy(rng: Random, number: int, spaces: list[str]) -> Json:
    kind = rng.choice(
        (
            "CiliumNetworkPolicy",
            "CiliumNetworkPolicy",
            "CiliumClusterwideNetworkPolicy",
            "Kubernetes",
        )
    )
    metadata: Json = {"name": f"p{number}"}
    if kind != "CiliumClusterwideNetworkPolicy":
        metadata["namespace"] = rng.choice(spaces)
    if kind == "Kubernetes":
        return _kubernetes(rng, metadata)
    found: Json = {"apiVersion": "cilium.io/v2", "kind": kind, "metadata": metadata}
    if rng.random() < 0.85:
        found["spec"] = _spec(rng, spaces, kind)
    else:
        found["specs"] = [_spec(rng, spaces, kind) for _ in range(rng.randint(1, 2))]
    return found


def _spec(rng: Random, spaces: list[str], kind: str) -> Json:
    found: Json = {"endpointSelector": _selector(rng, spaces) if rng.random() < 0.7 else {}}
    for key, chance in (
        ("ingress", 0.6),
        ("ingressDeny", 0.3),
        ("egress", 0.5),
        ("egressDeny", 0.25),
    ):
        if rng.random() < chance:
            found[key] = [_rule(rng, spaces, key) for _ in range(rng.randint(1, 2))]
    if rng.random() < 0.25:
        found["enableDefaultDeny"] = {rng.choice(("ingress", "egress")): rng.random() < 0.3}
    if rng.random() < 0.04:
        found["nodeSelector"] = {}
    if rng.random() < 0.02 and kind == "CiliumNetworkPolicy":
        del found["endpointSelector"]
    return found


def _selector(rng: Random, spaces: list[str]) -> Json:
    found: Json = {}
    prefix = rng.choice(("", "k8s:", "any:"))
    if rng.random() < 0.6:
        found["matchLabels"] = {prefix + key: value for key, value in _labels(rng).items()}
    if rng.random() < 0.35:
        key = rng.choice(sorted(_KEYS))
        found["matchExpressions"] = [_expression(rng, prefix + key, _KEYS[key])]
    if rng.random() < 0.3:
        extra = found.setdefault("matchLabels", {})
        what = rng.randrange(3)
        if what == 0:
            extra[f"k8s:{_SPACE}"] = rng.choice(spaces)
        elif what == 1:
            extra[f"{prefix}{_SPACE_LABEL}.team"] = rng.choice(_TEAMS)
        else:
            extra["io.cilium.k8s.policy.serviceaccount"] = "trusted"
    return found


def _expression(rng: Random, key: str, values: tuple[str, ...]) -> Json:
    operator = rng.choice(("In", "NotIn", "Exists", "DoesNotExist"))
    found: Json = {"key": key, "operator": operator}
    if operator in ("In", "NotIn"):
        found["values"] = sorted(rng.sample(values, rng.randint(1, len(values))))
    return found


def _rule(rng: Random, spaces: list[str], key: str) -> Json:
    side = "from" if key.startswith("ingress") else "to"
    found: Json = {}
    kind = rng.randrange(9)
    if kind in (0, 1, 2):
        found[f"{side}Endpoints"] = [_selector(rng, spaces) for _ in range(rng.randint(1, 2))]
    elif kind == 3:
        found[f"{side}Entities"] = rng.sample(_ENTITIES, rng.randint(1, 2))
    elif kind == 4:
        found[f"{side}CIDR"] = rng.sample(_CIDRS, rng.randint(1, 2))
    elif kind == 5:
        found[f"{side}CIDRSet"] = [_cidr_set(rng)]
    elif kind == 6 and rng.random() < 0.3:
        found[f"{side}{rng.choice(('Endpoints', 'CIDR', 'Entities'))}"] = []
    if rng.random() < 0.03:
        found[f"{side}Entities"] = ["world"]
    if rng.random() < 0.5:
        named = key == "ingress"
        found["toPorts"] = [_ports(rng, named=named) for _ in range(rng.randint(1, 2))]
    elif rng.random() < 0.05:
        found["icmps"] = [{"fields": [{"family": "IPv4", "type": 8}]}]
    return found


def _cidr_set(rng: Random) -> Json:
    cidr = rng.choice(_CIDRS)
    found: Json = {"cidr": cidr}
    if cidr in _EXCEPT and rng.random() < 0.6:
        found["except"] = [_EXCEPT[cidr]]
    return found


def _ports(rng: Random, *, named: bool) -> Json:
    return {"ports": [_port(rng, named=named) for _ in range(rng.randint(1, 2))]}


def _port(rng: Random, *, named: bool) -> Json:
    found: Json = {"port": str(rng.choice((*_NUMBERS, 0)))}
    if named and rng.random() < 0.25:
        return {"port": rng.choice(_NAMES), "protocol": rng.choice(("TCP", "UDP", "ANY"))}
    if rng.random() < 0.8:
        found["protocol"] = rng.choice(("TCP", "UDP", "SCTP", "ANY", "TCP"))
    if rng.random() < 0.2 and found["port"] != "0":
        found["endPort"] = int(found["port"]) + rng.randint(0, 400)
    return found


def _kubernetes(rng: Random, metadata: Json) -> Json:
    types = rng.sample(("Ingress", "Egress"), rng.randint(1, 2))
    spec: Json = {"podSelector": _plain(rng) if rng.random() < 0.7 else {}, "policyTypes": types}
    for key, side in (("ingress", "from"), ("egress", "to")):
        if key.capitalize() in types and rng.random() < 0.8:
            spec[key] = [_kubernetes_rule(rng, side) for _ in range(rng.randint(1, 2))]
    api = "networking.k8s.io/v1"
    return {"apiVersion": api, "kind": "NetworkPolicy", "metadata": metadata, "spec": spec}


def _plain(rng: Random) -> Json:
    found: Json = {}
    if rng.random() < 0.6:
        found["matchLabels"] = _labels(rng)
    if rng.random() < 0.35:
        key = rng.choice(sorted(_KEYS))
        found["matchExpressions"] = [_expression(rng, key, _KEYS[key])]
    return found


def _kubernetes_rule(rng: Random, side: str) -> Json:
    found: Json = {}
    if rng.random() < 0.8:
        found[side] = [_kubernetes_peer(rng) for _ in range(rng.randint(1, 2))]
    if rng.random() < 0.5:
        protocol = rng.choice(("TCP", "UDP", "SCTP"))
        found["ports"] = [{"protocol": protocol, "port": rng.choice(_NUMBERS)}]
    return found


def _kubernetes_peer(rng: Random) -> Json:
    kind = rng.randrange(4)
    if kind == 0:
        return {"ipBlock": _cidr_set(rng)}
    found: Json = {}
    if kind in (1, 2):
        found["podSelector"] = _plain(rng)
    if kind in (2, 3):
        found["namespaceSelector"] = {"matchLabels": {"team": rng.choice(_TEAMS)}}
    return found
