# SPDX-License-Identifier: Apache-2.0
"""Random clusters in which everything is known, with policies of every kind, from a seed.

A world is a list of objects as an API server returns them. Selectors in Calico's language come
with a function that says the same in Python, so that no parser is needed to know what they mean.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from random import Random
from typing import Any

import msgspec

Json = dict[str, Any]
Means = Callable[[Mapping[str, str]], bool]

_KEYS = {"app": ("web", "api", "db"), "tier": ("fe", "be")}
_TEAMS = ("red", "blue")
_PORTS = (53, 80, 443, 8080)
_NAMES = ("http", "dns")
_PROTOCOLS = ("TCP", "UDP", "SCTP")
_CIDRS = ("0.0.0.0/0", "10.0.0.0/8", "10.1.0.0/16", "198.51.100.0/24", "203.0.113.7/32")
ADDRESSES = ("198.51.100.9", "203.0.113.7", "203.0.113.8", "10.9.9.9", "172.18.0.9")
NODE = ADDRESSES[-1]
_ADMIN = "policy.networking.k8s.io"
_CALICO = "projectcalico.org/v3"


class World(msgspec.Struct):
    """Objects, and what the Calico selectors among them mean."""

    objects: list[Json]
    selectors: dict[str, Means]

    def of(self, kind: str, api: str = "") -> list[Json]:
        """The objects of a kind; `api` tells kinds of one name apart."""
        return [o for o in self.objects if o["kind"] == kind and o["apiVersion"].startswith(api)]


def world(seed: int, flavour: str) -> World:
    """A cluster of a flavour: `admin` (cluster-wide kinds) or `calico`."""
    return _Maker(Random(f"{flavour} {seed}")).make(flavour)


class _Maker:
    def __init__(self, rng: Random) -> None:
        self._rng = rng
        self._selectors: dict[str, Means] = {}
        self._spaces = [f"ns{n}" for n in range(rng.randint(1, 3))]

    def make(self, flavour: str) -> World:
        rng = self._rng
        objects = [self._namespace(name) for name in self._spaces]
        objects += [self._account(name) for name in self._spaces]
        objects += [self._pod(number) for number in range(rng.randint(2, 5))]
        status = {"addresses": [{"type": "InternalIP", "address": NODE}]}
        objects.append(_object("v1", "Node", {"name": "n", "labels": {"pool": "a"}}, status=status))
        objects += [self._network_policy(number) for number in range(rng.randint(0, 3))]
        if rng.random() < 0.5:
            objects += self._cluster_policies()
        else:
            objects += self._admin_policies()
        if flavour == "calico":
            objects += self._calico_objects()
        rng.shuffle(objects)
        return World(objects, self._selectors)

    def _labels(self) -> dict[str, str]:
        keys = self._rng.sample(sorted(_KEYS), self._rng.randint(0, 2))
        return {key: self._rng.choice(_KEYS[key]) for key in keys}

    def _namespace(self, name: str) -> Json:
        labels = {"kubernetes.io/metadata.name": name}
        if self._rng.random() < 0.7:
            labels["team"] = self._rng.choice(_TEAMS)
        return _object("v1", "Namespace", {"name": name, "labels": labels})

    def _account(self, space: str) -> Json:
        labels = {"level": self._rng.choice(("high", "low"))}
        return _object(
            "v1", "ServiceAccount", {"name": "trusted", "namespace": space, "labels": labels}
        )

    def _pod(self, number: int) -> Json:
        rng = self._rng
        ports = [
            {
                "name": name,
                "containerPort": rng.choice(_PORTS),
                "protocol": rng.choice(_PROTOCOLS),
            }
            for name in rng.sample(_NAMES, rng.randint(0, 2))
        ]
        spec: Json = {
            "serviceAccountName": rng.choice(("default", "trusted")),
            "containers": [{"name": "c", "ports": ports}],
        }
        metadata = {
            "name": f"p{number}",
            "namespace": rng.choice(self._spaces),
            "labels": self._labels(),
        }
        status = {"podIP": f"10.{rng.randint(0, 2)}.0.{number + 1}"}
        if rng.random() < 0.1:
            spec["hostNetwork"], status["podIP"] = True, NODE
        return _object("v1", "Pod", metadata, spec=spec, status=status)

    def _selector(self, keys: Mapping[str, tuple[str, ...]]) -> Json:
        rng, found = self._rng, {}
        if rng.random() < 0.5:
            key = rng.choice(sorted(keys))
            found["matchLabels"] = {key: rng.choice(keys[key])}
        if rng.random() < 0.4:
            key = rng.choice(sorted(keys))
            operator = rng.choice(("In", "NotIn", "Exists", "DoesNotExist"))
            entry: Json = {"key": key, "operator": operator}
            if operator.endswith("In"):
                entry["values"] = rng.sample(keys[key], rng.randint(1, 2))
            found["matchExpressions"] = [entry]
        return found

    def _pods(self) -> Json:
        return self._selector(_KEYS)

    def _teams(self) -> Json:
        return self._selector({"team": _TEAMS})

    def _network_policy(self, number: int) -> Json:
        rng = self._rng
        types = rng.sample(("Ingress", "Egress"), rng.randint(1, 2))
        spec: Json = {"podSelector": self._pods(), "policyTypes": types}
        for key, side in (("ingress", "from"), ("egress", "to")):
            if key.capitalize() in types:
                spec[key] = [self._np_rule(side) for _ in range(rng.randint(0, 2))]
        metadata = {"name": f"np{number}", "namespace": rng.choice(self._spaces)}
        return _object("networking.k8s.io/v1", "NetworkPolicy", metadata, spec=spec)

    def _np_rule(self, side: str) -> Json:
        rng, found = self._rng, {}
        if rng.random() < 0.8:
            found[side] = [self._np_peer() for _ in range(rng.randint(1, 2))]
        if rng.random() < 0.5:
            found["ports"] = [self._np_port() for _ in range(rng.randint(1, 2))]
        return found

    def _np_peer(self) -> Json:
        kind = self._rng.randrange(4)
        if kind == 0:
            return {"ipBlock": {"cidr": self._rng.choice(_CIDRS)}}
        found = {}
        if kind in (1, 2):
            found["podSelector"] = self._pods()
        if kind in (2, 3):
            found["namespaceSelector"] = self._teams()
        return found

    def _np_port(self) -> Json:
        rng = self._rng
        found: Json = {"protocol": rng.choice(_PROTOCOLS)}
        kind = rng.randrange(4)
        if kind == 0:
            found["port"] = rng.choice(_NAMES)
        elif kind:
            found["port"] = rng.choice(_PORTS)
            if kind == 1:
                found["endPort"] = found["port"] + rng.randint(0, 400)
        return found

    def _subject(self) -> Json:
        if self._rng.random() < 0.5:
            return {"namespaces": self._teams()}
        return {"pods": {"namespaceSelector": self._teams(), "podSelector": self._pods()}}

    def _admin_peer(self, direction: str) -> Json:
        kind = self._rng.randrange(4) if direction == "egress" else 0
        if kind == 1:
            return {"networks": self._rng.sample(_CIDRS, self._rng.randint(1, 2))}
        if kind == 2:
            return {"nodes": self._selector({"pool": ("a", "b")})}
        return self._subject()

    def _admin_rules(self, direction: str, actions: tuple[str, ...], ports: str) -> list[Json]:
        rng, found = self._rng, []
        for _ in range(rng.randint(0, 3)):
            peers = [self._admin_peer(direction) for _ in range(rng.randint(1, 2))]
            rule = {"action": rng.choice(actions), _SIDES[direction]: peers}
            named = not any("networks" in peer or "nodes" in peer for peer in peers)
            if rng.random() < 0.6:
                make = self._protocol if ports == "protocols" else self._port
                rule[ports] = [make(named=named) for _ in range(rng.randint(1, 2))]
            found.append(rule)
        return found

    def _port(self, *, named: bool) -> Json:
        rng, kind = self._rng, self._rng.randrange(3)
        if kind == 0 and named:
            return {"namedPort": rng.choice(_NAMES)}
        protocol, port = rng.choice(_PROTOCOLS), rng.choice(_PORTS)
        if kind == 1:
            end = port + rng.randint(1, 400)
            return {"portRange": {"protocol": protocol, "start": port, "end": end}}
        return {"portNumber": {"protocol": protocol, "port": port}}

    def _protocol(self, *, named: bool) -> Json:
        rng, kind = self._rng, self._rng.randrange(3)
        if kind == 0 and named:
            return {"destinationNamedPort": rng.choice(_NAMES)}
        port: Json = {"number": rng.choice(_PORTS)}
        if kind == 1:
            start = rng.choice(_PORTS)
            port = {"range": {"start": start, "end": start + rng.randint(1, 400)}}
        return {rng.choice(_PROTOCOLS).lower(): {"destinationPort": port}}

    def _cluster_policies(self) -> list[Json]:
        found = []
        for tier in ("Admin", "Baseline"):
            for priority in self._rng.sample(range(1000), self._rng.randint(0, 3)):
                spec = {"tier": tier, "priority": priority, "subject": self._subject()}
                for direction in _SIDES:
                    actions = ("Accept", "Deny", "Pass")
                    spec[direction] = self._admin_rules(direction, actions, "protocols")
                metadata = {"name": f"{tier.lower()}{priority}"}
                kind = "ClusterNetworkPolicy"
                found.append(_object(f"{_ADMIN}/v1alpha2", kind, metadata, spec=spec))
        return found

    def _admin_policies(self) -> list[Json]:
        found = []
        for priority in self._rng.sample(range(1000), self._rng.randint(0, 3)):
            spec: Json = {"priority": priority, "subject": self._subject()}
            for direction in _SIDES:
                spec[direction] = self._admin_rules(direction, ("Allow", "Deny", "Pass"), "ports")
            metadata = {"name": f"anp{priority}"}
            kind = "AdminNetworkPolicy"
            found.append(_object(f"{_ADMIN}/v1alpha1", kind, metadata, spec=spec))
        if self._rng.random() < 0.5:
            spec = {"subject": self._subject()}
            for direction in _SIDES:
                spec[direction] = self._admin_rules(direction, ("Allow", "Deny"), "ports")
            kind = "BaselineAdminNetworkPolicy"
            found.append(_object(f"{_ADMIN}/v1alpha1", kind, {"name": "default"}, spec=spec))
        return found

    def _calico_objects(self) -> list[Json]:
        rng = self._rng
        tiers = [f"t{n}" for n in range(rng.randint(0, 2))]
        orders = rng.sample((50, 500, 2_000_000, 20_000_000), len(tiers))
        found = [
            _object(
                _CALICO,
                "Tier",
                {"name": name},
                spec={"order": order, "defaultAction": rng.choice(("Deny", "Pass"))},
            )
            for name, order in zip(tiers, orders, strict=True)
        ]
        for number in range(rng.randint(0, 2)):
            kind = rng.choice(("NetworkSet", "GlobalNetworkSet"))
            metadata = {"name": f"set{number}", "labels": self._labels()}
            if kind == "NetworkSet":
                metadata["namespace"] = rng.choice(self._spaces)
            nets = rng.sample(_CIDRS[1:], rng.randint(1, 2))
            found.append(_object(_CALICO, kind, metadata, spec={"nets": nets}))
        places = ["", *self._spaces]
        count = rng.randint(1, 4)
        names = ["default", *tiers]
        return found + [self._calico_policy(n, rng.choice(places), names) for n in range(count)]

    def _calico_policy(self, number: int, space: str, tiers: list[str]) -> Json:
        rng = self._rng
        spec: Json = {"tier": rng.choice(tiers)}
        if rng.random() < 0.8:
            spec["order"] = rng.choice((1, 10, 1000, 1000.5, 3000))
        if rng.random() < 0.7:
            spec["selector"] = self._calico_selector(_KEYS)
        if rng.random() < 0.2:
            spec["serviceAccountSelector"] = self._calico_selector({"level": ("high", "low")})
        if not space and rng.random() < 0.4:
            spec["namespaceSelector"] = self._calico_selector({"team": _TEAMS})
        if rng.random() < 0.5:
            spec["types"] = rng.sample(("Ingress", "Egress"), rng.randint(1, 2))
        for direction in _SIDES:
            if rng.random() < 0.6:
                spec[direction] = [self._calico_rule(direction) for _ in range(rng.randint(1, 3))]
        metadata: Json = {"name": f"{spec['tier']}.c{number}"}
        if space:
            metadata["namespace"] = space
        staged = "Staged" if rng.random() < 0.1 else ""
        kind = f"{staged}{'NetworkPolicy' if space else 'GlobalNetworkPolicy'}"
        return _object(_CALICO, kind, metadata, spec=spec)

    def _calico_rule(self, direction: str) -> Json:
        rng = self._rng
        found: Json = {"action": rng.choice(("Allow", "Allow", "Deny", "Pass", "Log"))}
        peer = "source" if direction == "ingress" else "destination"
        if rng.random() < 0.85:
            found[peer] = self._entity()
        if rng.random() < 0.1:
            own = "destination" if direction == "ingress" else "source"
            found[own] = {"selector": self._calico_selector(_KEYS)}
        if rng.random() < 0.5:
            found["protocol"] = rng.choice((*_PROTOCOLS, 6, "ICMP"))
            if found["protocol"] != "ICMP" and rng.random() < 0.8:
                target = found.setdefault("destination", {})
                key = "ports" if rng.random() < 0.8 else "notPorts"
                target[key] = [self._calico_port(key) for _ in range(rng.randint(1, 2))]
        elif rng.random() < 0.1:
            found["notProtocol"] = rng.choice(_PROTOCOLS)
        return found

    def _calico_port(self, key: str) -> Any:
        rng, kind = self._rng, self._rng.randrange(4)
        if kind == 0 and key == "ports":
            return rng.choice(_NAMES)
        low = rng.choice(_PORTS)
        return f"{low}:{low + rng.randint(0, 400)}" if kind == 1 else low

    def _entity(self) -> Json:
        rng, found = self._rng, {}
        if rng.random() < 0.5:
            found["selector"] = self._calico_selector(_KEYS)
        if rng.random() < 0.3:
            texts = ("all()", "global()", self._calico_selector({"team": _TEAMS}))
            found["namespaceSelector"] = rng.choice(texts)
        if rng.random() < 0.2:
            found["notSelector"] = self._calico_selector(_KEYS)
        for key in ("nets", "notNets"):
            if rng.random() < 0.2:
                found[key] = rng.sample(_CIDRS, rng.randint(1, 2))
        if rng.random() < 0.15:
            found["serviceAccounts"] = {"names": ["trusted"]}
        return found

    def _calico_selector(self, keys: Mapping[str, tuple[str, ...]]) -> str:
        text, means = self._calico_expression(keys, self._rng.randint(0, 2))
        self._selectors[text] = means
        return text

    def _calico_expression(
        self, keys: Mapping[str, tuple[str, ...]], depth: int
    ) -> tuple[str, Means]:
        rng = self._rng
        if depth == 0:
            return self._calico_leaf(keys)
        left, lefts = self._calico_expression(keys, depth - 1)
        right, rights = self._calico_expression(keys, depth - 1)
        kind = rng.randrange(3)
        if kind == 0:
            return f"({left}) && ({right})", lambda have: lefts(have) and rights(have)
        if kind == 1:
            return f"({left}) || ({right})", lambda have: lefts(have) or rights(have)
        return f"!({left})", lambda have: not lefts(have)

    def _calico_leaf(self, keys: Mapping[str, tuple[str, ...]]) -> tuple[str, Means]:
        rng = self._rng
        key = rng.choice(sorted(keys))
        value = rng.choice(keys[key])
        leaves: tuple[tuple[str, Means], ...] = (
            (f"{key} == '{value}'", lambda have: have.get(key) == value),
            (f"{key} != '{value}'", lambda have: have.get(key) != value),
            (f"has({key})", lambda have: key in have),
            (f"{key} in {{'{value}'}}", lambda have: have.get(key) == value),
            (f"{key} not in {{'{value}', 'x'}}", lambda have: have.get(key) != value),
            (f"{key} starts with '{value[:1]}'", lambda have: have.get(key, "-")[0] == value[0]),
        )
        return rng.choice(leaves)


_SIDES = {"ingress": "from", "egress": "to"}


def _object(api: str, kind: str, metadata: Json, **rest: Json) -> Json:
    return {"apiVersion": api, "kind": kind, "metadata": metadata, **rest}
