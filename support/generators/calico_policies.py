# SPDX-License-Identifier: Apache-2.0
"""Which random clusters and connections do we ask Calico's own policy code about?

Namespaces, service accounts, pods, Services, network sets, tiers, policies of Calico and
NetworkPolicies as the API server stores them. Some policies are broken on purpose, so that
acceptance is asked too.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from random import Random
from typing import Any

Json = dict[str, Any]
Keys = Mapping[str, tuple[str, ...]]

_KEYS = {"app": ("web", "api", "db"), "tier": ("fe", "be")}
_TEAMS = {"team": ("red", "blue"), "projectcalico.org/name": ("ns0", "ns1")}
_LEVELS = {"level": ("high", "low"), "projectcalico.org/name": ("default", "trusted")}
_BUILT_IN = {
    "projectcalico.org/namespace": ("ns0", "ns1"),
    "projectcalico.org/serviceaccount": ("default", "trusted"),
    "projectcalico.org/orchestrator": ("k8s",),
    "pcns.team": ("red", "blue"),
    "pcsa.level": ("high", "low"),
}
_NUMBERS = (53, 80, 443, 8080)
_NAMES = ("http", "dns")
_PROTOCOLS = ("TCP", "UDP", "SCTP")
_CIDRS = ("0.0.0.0/0", "10.0.0.0/8", "10.1.0.0/16", "198.51.100.0/24", "203.0.113.7/32")
_ORDERS = (1, 10, 999.5, 1000, 1000, 3000)
NODE = "172.18.0.9"
ADDRESSES = ("198.51.100.9", "203.0.113.7", "203.0.113.8", "10.1.2.3", NODE)
_API = "projectcalico.org/v3"
_SPOILT_SPECS: tuple[tuple[str, Any], ...] = (
    ("selector", "app = 'web'"),
    ("selector", "global()"),
    ("types", ["Ingress", "Ingress"]),
    ("types", ["Both"]),
    ("order", -1),
    ("order", "first"),
    ("serviceAccountSelector", "a =="),
)
_SPOILT_GLOBAL: tuple[tuple[str, Any], ...] = (
    ("namespaceSelector", "has("),
    ("doNotTrack", True),
    ("preDNAT", True),
    ("applyOnForward", True),
)
_SPOILT_RULES: tuple[tuple[str, Any], ...] = (
    ("action", "allow"),
    ("action", "Reject"),
    ("protocol", "HTTP"),
    ("protocol", 300),
    ("protocol", 0),
    ("protocol", "6"),
    ("protocol", "tcp"),
    ("source", {"nets": ["10.0.0.0/33"]}),
    ("source", {"nets": ["10.1.2.3/8"]}),
    ("source", {"nets": ["10.1.2.3"]}),
    ("source", {"nets": ["10.0.0.0/8", "2001:db8::/32"]}),
    ("source", {"selector": "has(app"}),
    ("source", {"notSelector": "global()"}),
    ("source", {"namespaceSelector": "global() && has(team)"}),
    ("source", {"namespaceSelector": "!has(team) || !global()"}),
    ("source", {"ports": [80]}),
    ("destination", {"ports": ["a_b"]}),
    ("destination", {"ports": [0]}),
    ("destination", {"ports": ["90:80"]}),
    ("destination", {"ports": [70000]}),
    ("destination", {"services": {"name": "svc0"}, "selector": "all()"}),
    ("destination", {"services": {"namespace": "ns0"}}),
    ("destination", {"services": {"name": "svc0"}}),
    ("http", {"methods": ["GET"]}),
    ("icmp", {"type": 8}),
    ("icmp", {"code": 1}),
    ("ipVersion", 5),
)
DEFAULT_TIER = {"name": "default", "defaultAction": "Deny"}
_DEFAULT_ORDER = 1_000_000


def questions(seed: int, count: int, asked: int) -> Iterator[Json]:
    """Clusters as objects, with the tiers in order and the connections that are asked."""
    for number in range(count):
        yield _Maker(Random(seed * 1_000_003 + number)).question(asked)


def oracle_question(question: Json) -> Json:
    """The same as the oracle reads it: what it does not know is left out or resolved."""
    kept = [o for o in question["objects"] if o["kind"] not in ("Service", "Tier", "Node")]
    pods = [o for o in kept if o["kind"] == "Pod"]
    services = [o for o in question["objects"] if o["kind"] == "Service"]
    slices = [s for service in services for s in _slices(service, pods)]
    return {**question, "objects": kept + slices}


def _slices(service: Json, pods: list[Json]) -> Iterator[Json]:
    """The EndpointSlices of a Service, one for each pod behind it."""
    where, wanted = service["metadata"], service["spec"]["selector"].items()
    for pod in pods:
        inside = pod["metadata"]["namespace"] == where["namespace"]
        if not inside or not wanted <= pod["metadata"]["labels"].items():
            continue
        name = {"kubernetes.io/service-name": where["name"]}
        metadata = {"name": f"{where['name']}-{pod['metadata']['name']}", "labels": name}
        yield {
            "apiVersion": "discovery.k8s.io/v1",
            "kind": "EndpointSlice",
            "metadata": {**metadata, "namespace": where["namespace"]},
            "addressType": "IPv4",
            "endpoints": [{"addresses": [pod["status"]["podIP"]]}],
            "ports": [port for entry in service["spec"]["ports"] for port in _resolved(entry, pod)],
        }


def _resolved(port: Json, pod: Json) -> Iterator[Json]:
    target, protocol = port["targetPort"], port["protocol"]
    declared = pod["spec"]["containers"][0]["ports"]
    numbers = [
        entry["containerPort"]
        for entry in declared
        if entry["name"] == target and entry["protocol"] == protocol
    ]
    for number in numbers if isinstance(target, str) else [target]:
        yield {"name": port["name"], "protocol": protocol, "port": number}


class _Maker:
    def __init__(self, rng: Random) -> None:
        self._rng = rng
        self._spaces = [f"ns{n}" for n in range(rng.randint(1, 3))]

    def question(self, asked: int) -> Json:
        rng = self._rng
        tiers = self._tiers()
        pods = [self._pod(number) for number in range(rng.randint(2, 5))]
        objects = [self._namespace(name) for name in self._spaces]
        objects += [self._account(n, s) for s in self._spaces for n in ("default", "trusted")]
        objects += pods + [self._service(n) for n in range(rng.randint(0, 2))]
        objects += [self._set(number) for number in range(rng.randint(0, 2))]
        objects += [self._kubernetes(number) for number in range(rng.randint(0, 2))]
        objects += [self._policy(number, tiers) for number in range(rng.randint(1, 4))]
        objects += [_object("Tier", {"name": t["name"]}, t) for t in tiers[:-1]]
        objects.append(
            _object("Node", {"name": "node"}, api="v1", status={"addresses": [_internal(NODE)]})
        )
        rng.shuffle(objects)
        ends = list(dict.fromkeys([*(pod["status"]["podIP"] for pod in pods), *ADDRESSES]))
        ordered = sorted(tiers, key=lambda tier: tier["order"])
        return {
            "objects": objects,
            "tiers": [{key: t[key] for key in DEFAULT_TIER} for t in ordered],
            "asked": [self._connection(ends, len(pods)) for _ in range(asked)],
        }

    def _tiers(self) -> list[Json]:
        """Tiers of the user, and `default` at the end of the list."""
        rng = self._rng
        orders = rng.sample((50, 500, 2_000_000), rng.randint(0, 2))
        found: list[Json] = [
            {"name": f"t{n}", "order": order, "defaultAction": rng.choice(("Deny", "Pass"))}
            for n, order in enumerate(orders)
        ]
        return [*found, {**DEFAULT_TIER, "order": _DEFAULT_ORDER}]

    def _connection(self, ends: list[str], pods: int) -> list[str]:
        rng = self._rng
        first = ends[rng.randrange(min(pods, len(ends)))]
        other = rng.choice([end for end in ends if end != first])
        pair = [first, other] if rng.random() < 0.5 else [other, first]
        return [*pair, rng.choice(("TCP", *_PROTOCOLS)), str(rng.choice((*_NUMBERS, 81)))]

    def _labels(self) -> dict[str, str]:
        keys = self._rng.sample(sorted(_KEYS), self._rng.randint(0, 2))
        return {key: self._rng.choice(_KEYS[key]) for key in keys}

    def _namespace(self, name: str) -> Json:
        labels = {"kubernetes.io/metadata.name": name}
        if self._rng.random() < 0.7:
            labels["team"] = self._rng.choice(_TEAMS["team"])
        return _object("Namespace", {"name": name, "labels": labels}, api="v1")

    def _account(self, name: str, space: str) -> Json:
        metadata = {"name": name, "namespace": space}
        labels = {"level": self._rng.choice(_LEVELS["level"])}
        return _object("ServiceAccount", {**metadata, "labels": labels}, api="v1")

    def _pod(self, number: int) -> Json:
        rng = self._rng
        ports = [
            {"name": n, "containerPort": rng.choice(_NUMBERS), "protocol": rng.choice(_PROTOCOLS)}
            for n in rng.sample(_NAMES, rng.randint(0, 2))
        ]
        account = rng.choice(("default", "trusted"))
        spec: Json = {"serviceAccountName": account, "containers": [{"name": "c", "ports": ports}]}
        address = f"10.{rng.randint(0, 2)}.0.{number + 1}"
        if rng.random() < 0.08:
            spec["hostNetwork"], address = True, NODE
        metadata = {"name": f"p{number}", "namespace": rng.choice(self._spaces)}
        return _object(
            "Pod",
            {**metadata, "labels": self._labels()},
            spec,
            api="v1",
            status={"podIP": address},
        )

    def _service(self, number: int) -> Json:
        rng = self._rng
        key = rng.choice(sorted(_KEYS))
        ports = [
            {
                "name": f"port{n}",
                "port": 1000 + n,
                "protocol": rng.choice(_PROTOCOLS),
                "targetPort": rng.choice((*_NUMBERS, *_NAMES)),
            }
            for n in range(rng.randint(1, 2))
        ]
        spec = {"selector": {key: rng.choice(_KEYS[key])}, "ports": ports}
        metadata = {"name": f"svc{number}", "namespace": rng.choice(self._spaces)}
        return _object("Service", metadata, spec, api="v1")

    def _set(self, number: int) -> Json:
        rng = self._rng
        metadata: Json = {"name": f"set{number}", "labels": self._labels()}
        kind = rng.choice(("NetworkSet", "GlobalNetworkSet"))
        if kind == "NetworkSet":
            metadata["namespace"] = rng.choice(self._spaces)
        return _object(kind, metadata, {"nets": rng.sample(_CIDRS[1:], rng.randint(1, 2))})

    def _kubernetes(self, number: int) -> Json:
        rng = self._rng
        types = rng.sample(("Ingress", "Egress"), rng.randint(1, 2))
        spec: Json = {"podSelector": self._plain(), "policyTypes": types}
        for key, side in (("ingress", "from"), ("egress", "to")):
            if key.capitalize() in types:
                spec[key] = [self._kubernetes_rule(side) for _ in range(rng.randint(0, 2))]
        metadata = {"name": f"k{number}", "namespace": rng.choice(self._spaces)}
        return _object("NetworkPolicy", metadata, spec, api="networking.k8s.io/v1")

    def _kubernetes_rule(self, side: str) -> Json:
        rng = self._rng
        found: Json = {}
        if rng.random() < 0.8:
            found[side] = [self._kubernetes_peer() for _ in range(rng.randint(1, 2))]
        if rng.random() < 0.6:
            found["ports"] = [self._kubernetes_port() for _ in range(rng.randint(1, 2))]
        return found

    def _kubernetes_peer(self) -> Json:
        rng = self._rng
        kind = rng.randrange(4)
        if kind == 0:
            block: Json = {"cidr": rng.choice(_CIDRS[:2])}
            return {"ipBlock": block | ({"except": ["10.1.0.0/16"]} if rng.random() < 0.5 else {})}
        found: Json = {}
        if kind in (1, 2):
            found["podSelector"] = self._plain()
        if kind in (2, 3):
            found["namespaceSelector"] = {"matchLabels": {"team": rng.choice(_TEAMS["team"])}}
        return found

    def _kubernetes_port(self) -> Json:
        rng = self._rng
        found: Json = {"protocol": rng.choice(_PROTOCOLS)}
        kind = rng.randrange(4)
        if kind == 0:
            return {**found, "port": rng.choice(_NAMES)}
        if kind == 1:
            port = rng.choice(_NUMBERS)
            return {**found, "port": port, "endPort": port + rng.randint(0, 400)}
        return found if kind == 2 else {**found, "port": rng.choice(_NUMBERS)}

    def _plain(self) -> Json:
        rng = self._rng
        found: Json = {}
        if rng.random() < 0.6:
            found["matchLabels"] = self._labels()
        if rng.random() < 0.35:
            key = rng.choice(sorted(_KEYS))
            operator = rng.choice(("In", "NotIn", "Exists", "DoesNotExist"))
            entry: Json = {"key": key, "operator": operator}
            if operator.endswith("In"):
                entry["values"] = rng.sample(_KEYS[key], rng.randint(1, 2))
            found["matchExpressions"] = [entry]
        return found

    def _policy(self, number: int, tiers: list[Json]) -> Json:
        rng = self._rng
        space = rng.choice(("", *self._spaces))
        spec: Json = {"tier": rng.choice(tiers)["name"]}
        if rng.random() < 0.85:
            spec["order"] = rng.choice(_ORDERS)
        if rng.random() < 0.7:
            spec["selector"] = self._selector(_KEYS)
        if rng.random() < 0.2:
            spec["serviceAccountSelector"] = self._selector(_LEVELS)
        if not space and rng.random() < 0.4:
            spec["namespaceSelector"] = self._selector(_TEAMS)
        if rng.random() < 0.5:
            spec["types"] = rng.sample(("Ingress", "Egress"), rng.randint(1, 2))
        for direction in ("ingress", "egress"):
            if rng.random() < 0.65:
                spec[direction] = [self._rule(direction) for _ in range(rng.randint(1, 3))]
        if rng.random() < 0.06:
            key, value = rng.choice(_SPOILT_SPECS if space else _SPOILT_SPECS + _SPOILT_GLOBAL)
            spec[key] = value
        metadata: Json = {"name": f"{spec['tier']}.{rng.choice('az')}{number}"}
        if space:
            metadata["namespace"] = space
        return _object("NetworkPolicy" if space else "GlobalNetworkPolicy", metadata, spec)

    def _rule(self, direction: str) -> Json:
        rng = self._rng
        found: Json = {"action": rng.choice(("Allow", "Allow", "Deny", "Pass", "Log"))}
        peer, own = ("source", "destination")[:: 1 if direction == "ingress" else -1]
        if rng.random() < 0.85:
            found[peer] = self._entity()
        if rng.random() < 0.12:
            found[own] = {"selector": self._selector(_KEYS)}
        if rng.random() < 0.55:
            found["protocol"] = rng.choice((*_PROTOCOLS, 6, 17, "ICMP", "UDPLite", 50))
        elif rng.random() < 0.12:
            found["notProtocol"] = rng.choice((*_PROTOCOLS, 17, "ICMP"))
        if found.get("protocol") in (*_PROTOCOLS, 6, 17) and rng.random() < 0.75:
            target = found.setdefault("destination", {})
            if "services" not in target:
                target["ports"] = [self._port() for _ in range(rng.randint(1, 3))]
            if rng.random() < 0.2:
                target["notPorts"] = [self._port() for _ in range(rng.randint(1, 2))]
        if rng.random() < 0.08:
            found["ipVersion"] = rng.choice((4, 4, 6))
        if rng.random() < 0.03:
            key, value = rng.choice(_SPOILT_RULES)
            found[key] = value
        return found

    def _port(self) -> Any:
        rng = self._rng
        kind = rng.randrange(5)
        if kind == 0:
            return rng.choice(_NAMES)
        low = rng.choice(_NUMBERS)
        return f"{low}:{low + rng.randint(0, 400)}" if kind == 1 else low

    def _entity(self) -> Json:
        rng = self._rng
        found: Json = {}
        if rng.random() < 0.1:
            name = {"name": f"svc{rng.randint(0, 1)}", "namespace": rng.choice(self._spaces)}
            return {"services": name}
        if rng.random() < 0.5:
            found["selector"] = self._selector(_KEYS if rng.random() < 0.8 else _BUILT_IN)
        if rng.random() < 0.3:
            texts = ("all()", "global()", self._selector(_TEAMS))
            found["namespaceSelector"] = rng.choice(texts)
        if rng.random() < 0.2:
            found["notSelector"] = self._selector(_KEYS)
        for key in ("nets", "notNets"):
            if rng.random() < 0.2:
                found[key] = rng.sample(_CIDRS, rng.randint(1, 2))
        if rng.random() < 0.2:
            account: Json = {}
            if rng.random() < 0.6:
                account["names"] = rng.sample(("default", "trusted"), 1)
            if rng.random() < 0.6:
                account["selector"] = self._selector(_LEVELS)
            found["serviceAccounts"] = account
        return found

    def _selector(self, keys: Keys) -> str:
        return self._expression(keys, self._rng.choice((0, 0, 0, 1, 2)))

    def _expression(self, keys: Keys, depth: int) -> str:
        rng = self._rng
        if depth == 0:
            return self._leaf(keys)
        left, right = self._expression(keys, depth - 1), self._expression(keys, depth - 1)
        form = rng.choice(("({0}) && ({1})", "({0}) || ({1})", "!({0})", "{0} && {1} || {0}"))
        return form.format(left, right)

    def _leaf(self, keys: Keys) -> str:
        rng = self._rng
        key = rng.choice(sorted(keys))
        value = rng.choice(keys[key])
        forms = (
            f"{key} == '{value}'",
            f"{key} != '{value}'",
            f"has({key})",
            f"!has({key})",
            f"{key} in {{'{value}', 'x'}}",
            f"{key} not in {{'{value}'}}",
            f"{key} starts with '{value[:1]}'",
            "all()",
        )
        return rng.choice(forms)


def _internal(address: str) -> Json:
    return {"type": "InternalIP", "address": address}


def _object(
    kind: str, metadata: Json, spec: Json | None = None, *, api: str = _API, **rest: Json
) -> Json:
    found: Json = {"apiVersion": api, "kind": kind, "metadata": metadata, **rest}
    return found if spec is None else {**found, "spec": spec}
