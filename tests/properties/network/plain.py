# SPDX-License-Identifier: Apache-2.0
"""All kinds of policies evaluated one connection at a time, straight from the objects.

Slow and plain, written from the texts of the APIs (network-policy-api, Calico's reference and
"Get started with policy tiers") and sharing nothing with the evaluation on classes and bits.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from tests.properties.network.worlds import NODE, Json, Means, World

_SIDES = {"ingress": "from", "egress": "to"}
_ACTIONS = {"Allow": "allow", "Accept": "allow", "Deny": "deny", "Pass": "pass"}
_NUMBERS = {"6": "TCP"}
_ALWAYS = float("inf")


class Asked(NamedTuple):
    """One end of a connection: whose policies are asked about which peer (pod or address)."""

    direction: str
    pod: Json
    other: Json | str
    protocol: str
    port: int

    @property
    def target(self) -> Json | str:
        """Where the connection goes."""
        return self.pod if self.direction == "ingress" else self.other


class Plain:
    """Answers about a world, under Calico or under a plugin without kinds of its own."""

    def __init__(self, world: World, *, calico: bool) -> None:
        self._world = world
        self._calico = calico
        self._spaces = {o["metadata"]["name"]: o for o in world.of("Namespace")}
        self._accounts = {
            (o["metadata"]["namespace"], o["metadata"]["name"]): o["metadata"]["labels"]
            for o in world.of("ServiceAccount")
        }
        self._tiers = sorted(self._all_tiers(), key=lambda tier: tier[:2])

    def allows(self, asked: Asked) -> bool:
        """Whether the end lets the connection through; a pod on the host network is its node."""
        if asked.pod["spec"].get("hostNetwork"):
            return True
        if isinstance(asked.other, dict) and asked.other["spec"].get("hostNetwork"):
            asked = asked._replace(other=NODE)
        for _, _, end, policies in self._tiers:
            chosen = [p for p in policies if self._selects(p, asked)]
            verdict = self._first(chosen, asked)
            if verdict in ("allow", "deny"):
                return verdict == "allow"
            if verdict is None and chosen and end == "deny":
                return False
        return True

    def _all_tiers(self) -> Iterator[tuple[float, str, str, list[Json]]]:
        cluster = self._world.of("ClusterNetworkPolicy")
        admin = [*self._world.of("AdminNetworkPolicy")]
        admin += [p for p in cluster if p["spec"]["tier"] == "Admin"]
        yield 1_000, "kube-admin", "pass", sorted(admin, key=_priority)
        baseline = [*self._world.of("BaselineAdminNetworkPolicy")]
        baseline += [p for p in cluster if p["spec"]["tier"] == "Baseline"]
        yield 10_000_000, "kube-baseline", "pass", sorted(baseline, key=_priority)
        own: list[Json] = []
        if self._calico:
            own = self._world.of("NetworkPolicy", "projectcalico.org")
            own = own + self._world.of("GlobalNetworkPolicy")
            for tier in self._world.of("Tier"):
                name = tier["metadata"]["name"]
                inside = sorted((p for p in own if p["spec"]["tier"] == name), key=_calico_order)
                end = tier["spec"]["defaultAction"].lower()
                yield tier["spec"]["order"], name, end, inside
        inside = [p for p in own if p["spec"]["tier"] == "default"]
        inside += self._world.of("NetworkPolicy", "networking.k8s.io")
        yield 1_000_000, "default", "deny", sorted(inside, key=_calico_order)

    def _selects(self, policy: Json, asked: Asked) -> bool:
        spec, metadata = policy["spec"], asked.pod["metadata"]
        if policy["apiVersion"].startswith("networking"):
            types, own = spec["policyTypes"], policy["metadata"]["namespace"]
            inside = own == metadata["namespace"] and asked.direction.capitalize() in types
            return inside and _selected(spec["podSelector"], metadata["labels"])
        if policy["apiVersion"].startswith("policy"):
            return bool(spec[asked.direction]) and self._admin_pods(spec["subject"], asked.pod)
        types = spec.get("types") or _calico_types(spec)
        own = policy["metadata"].get("namespace")
        return (
            asked.direction.capitalize() in types
            and own in (None, metadata["namespace"])
            and self._means(spec.get("selector"), metadata["labels"])
            and self._means(spec.get("serviceAccountSelector"), self._account(asked.pod))
            and self._means(spec.get("namespaceSelector"), self._space(asked.pod))
        )

    def _space(self, pod: Json) -> Mapping[str, str]:
        return self._spaces[pod["metadata"]["namespace"]]["metadata"]["labels"]

    def _account(self, pod: Json) -> Mapping[str, str]:
        key = (pod["metadata"]["namespace"], pod["spec"]["serviceAccountName"])
        return self._accounts.get(key, {})

    def _means(self, text: str | None, labels: Mapping[str, str]) -> bool:
        if text is None:
            return True
        means: Means = self._world.selectors[text]
        return means(labels)

    def _first(self, policies: list[Json], asked: Asked) -> str | None:
        """The action of the first rule that matches."""
        for policy in policies:
            for rule in policy["spec"].get(asked.direction, ()):
                if rule.get("action") != "Log" and self._matches(policy, rule, asked):
                    return _ACTIONS[rule["action"]] if "action" in rule else "allow"
        return None

    def _matches(self, policy: Json, rule: Json, asked: Asked) -> bool:
        if policy["apiVersion"].startswith("projectcalico"):
            return self._calico_rule(policy, rule, asked)
        peers = rule.get(_SIDES[asked.direction])
        ports = rule.get("ports") or rule.get("protocols")
        own = policy["metadata"].get("namespace", "")
        return (not peers or any(self._peer(p, own, asked.other) for p in peers)) and (
            not ports or any(_port(entry, asked) for entry in ports)
        )

    def _peer(self, peer: Json, own: str, other: Json | str) -> bool:
        if "ipBlock" in peer:
            return _in_any([peer["ipBlock"]["cidr"]], other)
        if "networks" in peer:
            return _in_any(peer["networks"], other)
        if "nodes" in peer:
            return other == NODE and _selected(peer["nodes"], {"pool": "a"})
        if isinstance(other, str):
            return False
        if "namespaces" in peer or "pods" in peer:
            return self._admin_pods(peer, other)
        inside = other["metadata"]["namespace"] == own
        if "namespaceSelector" in peer:
            inside = _selected(peer["namespaceSelector"], self._space(other))
        return inside and _selected(peer.get("podSelector", {}), other["metadata"]["labels"])

    def _admin_pods(self, subject: Json, pod: Json) -> bool:
        if "namespaces" in subject:
            return _selected(subject["namespaces"], self._space(pod))
        pods, labels = subject["pods"], pod["metadata"]["labels"]
        inside = _selected(pods["namespaceSelector"], self._space(pod))
        return inside and _selected(pods["podSelector"], labels)

    def _calico_rule(self, policy: Json, rule: Json, asked: Asked) -> bool:
        own = policy["metadata"].get("namespace", "")
        ends = {"source": asked.other, "destination": asked.pod}
        if asked.direction == "egress":
            ends = {"source": asked.pod, "destination": asked.other}
        if not all(self._entity(rule.get(side, {}), own, end) for side, end in ends.items()):
            return False
        protocol = rule.get("protocol")
        if protocol is not None and _NUMBERS.get(str(protocol), protocol) != asked.protocol:
            return False
        if rule.get("notProtocol") == asked.protocol:
            return False
        target = rule.get("destination", {})
        wanted, unwanted = target.get("ports"), target.get("notPorts", ())
        return (not wanted or any(_calico_port(p, asked) for p in wanted)) and not any(
            _calico_port(p, asked) for p in unwanted
        )

    def _entity(self, entity: Json, own: str, end: Json | str) -> bool:
        used = {"selector", "notSelector", "namespaceSelector", "serviceAccounts"} & entity.keys()
        positive = used - {"notSelector"} or (own and used)
        if positive and not self._named(entity, own, end):
            return False
        if "notSelector" in entity and not positive:
            negated = {"selector": entity["notSelector"]}
            if self._named(negated, "", end):
                return False
        if "nets" in entity and not _in_any(entity["nets"], end):
            return False
        return "notNets" not in entity or not _in_any(entity["notNets"], end)

    def _named(self, entity: Json, own: str, end: Json | str) -> bool:
        """Whether the selectors mean a pod, or a network set that holds the address."""
        if isinstance(end, dict) and self._calico_pod(entity, own, end):
            return True
        sets = [*self._world.of("NetworkSet"), *self._world.of("GlobalNetworkSet")]
        return any(
            self._calico_set(entity, own, found) and _in_any(found["spec"]["nets"], end)
            for found in sets
        )

    def _calico_pod(self, entity: Json, own: str, pod: Json) -> bool:
        spaces = entity.get("namespaceSelector")
        inside = not own or pod["metadata"]["namespace"] == own
        if spaces is not None:
            inside = spaces == "all()" or (
                spaces != "global()" and self._means(spaces, self._space(pod))
            )
        accounts = entity.get("serviceAccounts", {}).get("names")
        trusted = accounts is None or pod["spec"]["serviceAccountName"] in accounts
        return inside and trusted and self._chosen(entity, pod["metadata"]["labels"])

    def _chosen(self, entity: Json, labels: Mapping[str, str]) -> bool:
        if "notSelector" in entity and self._means(entity["notSelector"], labels):
            return False
        return self._means(entity.get("selector"), labels)

    def _calico_set(self, entity: Json, own: str, found: Json) -> bool:
        space, spaces = found["metadata"].get("namespace"), entity.get("namespaceSelector")
        inside = not own or space == own
        if spaces == "global()":
            inside = space is None
        elif spaces == "all()":
            inside = space is not None
        elif spaces is not None:
            # A set of the cluster has no labels of a namespace.
            labels = self._spaces[space]["metadata"]["labels"] if space else {}
            inside = self._means(spaces, labels)
        labels = found["metadata"]["labels"]
        return inside and "serviceAccounts" not in entity and self._chosen(entity, labels)


def _priority(policy: Json) -> int:
    return policy["spec"].get("priority", 0)


def _calico_order(policy: Json) -> tuple[float, str]:
    metadata, name = policy["metadata"], policy["metadata"]["name"]
    if policy["apiVersion"].startswith("networking"):
        return 1000, f"{metadata['namespace']}/knp.default.{name}"
    place = f"{metadata['namespace']}/{name}" if "namespace" in metadata else name
    return policy["spec"].get("order", _ALWAYS), place


def _calico_types(spec: Json) -> tuple[str, ...]:
    if "egress" not in spec:
        return ("Ingress",)
    return ("Ingress", "Egress") if "ingress" in spec else ("Egress",)


def _selected(selector: Json, labels: Mapping[str, str]) -> bool:
    pairs = selector.get("matchLabels", {}).items()
    return all(labels.get(key) == value for key, value in pairs) and all(
        _expression(entry, labels) for entry in selector.get("matchExpressions", ())
    )


def _expression(entry: Json, labels: Mapping[str, str]) -> bool:
    value = labels.get(entry["key"])
    match entry["operator"]:
        case "In":
            return value in entry["values"]
        case "NotIn":
            return value not in entry["values"]
        case "Exists":
            return value is not None
        case _:
            return value is None


def _in_any(cidrs: list[str], end: Json | str) -> bool:
    text = end if isinstance(end, str) else end["status"]["podIP"]
    return any(ipaddress.ip_address(text) in ipaddress.ip_network(cidr) for cidr in cidrs)


def _container_ports(end: Json | str, name: str) -> list[tuple[str, int]]:
    if isinstance(end, str):
        return []
    ports = end["spec"]["containers"][0]["ports"]
    return [(p["protocol"], p["containerPort"]) for p in ports if p["name"] == name]


def _port(entry: Json, asked: Asked) -> bool:
    """An entry of any of the ways in which Kubernetes' kinds write ports."""
    name: Any = entry.get("namedPort") or entry.get("destinationNamedPort")
    if name:
        return (asked.protocol, asked.port) in _container_ports(asked.target, name)
    for protocol in ("tcp", "udp", "sctp"):
        if protocol in entry:
            port = entry[protocol]["destinationPort"]
            low = port.get("number") or port["range"]["start"]
            high = port.get("number") or port["range"]["end"]
            return protocol.upper() == asked.protocol and low <= asked.port <= high
    fields = entry.get("portNumber") or entry.get("portRange") or entry
    if fields["protocol"] != asked.protocol:
        return False
    low = fields.get("port", fields.get("start", 1))
    if isinstance(low, str):
        return (asked.protocol, asked.port) in _container_ports(asked.target, low)
    default = low if "port" in fields else 65535
    return low <= asked.port <= fields.get("endPort", fields.get("end", default))


def _calico_port(entry: int | str, asked: Asked) -> bool:
    text = str(entry)
    if text[0].isalpha():
        return (asked.protocol, asked.port) in _container_ports(asked.target, text)
    low, _, high = text.partition(":")
    return int(low) <= asked.port <= int(high or low)
