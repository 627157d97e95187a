# SPDX-License-Identifier: Apache-2.0
"""What does a NetworkPolicy v1 object mean, and would the API server take it?

Authority: staging/src/k8s.io/api/networking/v1/types.go, pkg/apis/networking/v1/defaults.go
(SetDefaults_NetworkPolicy, SetDefaults_NetworkPolicyPort) and
pkg/apis/networking/validation/validation.go (ValidateNetworkPolicySpec and below) of Kubernetes
1.36; field types and unknown fields as `kubectl apply` checks them. Held against
recorded answers of that server in tests/conformance/apiserver_networkpolicy.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, TypeVar

from kguard.inventory.selectors import InvalidSelectorError, Selector, parse_selector
from kguard.layers.network.semantics.addresses import Block, block
from kguard.layers.network.semantics.policy import (
    DIRECTIONS,
    Peer,
    PodPolicy,
    PortTerm,
    Problem,
    Rule,
)
from kguard.layers.network.semantics.ports import MAX_PORT, PROTOCOLS
from kguard.model.locations import pointer
from kguard.model.manifests import Manifest, mapping

API_VERSION = "networking.k8s.io/v1"

_NAME = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
_PORT_NAME = re.compile(r"(?=.{1,15}\Z)(?!.*--)(?=.*[a-z])[a-z0-9]([a-z0-9-]*[a-z0-9])?")
_LABEL_VALUE = re.compile(r"([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?")
_TYPES = ("Ingress", "Egress")
_Item = TypeVar("_Item")


class _Reader:
    """Collects the problems met while one object is read."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []

    def problem(self, place: str, text: str) -> None:
        self.problems.append(Problem(place, text))

    def object(self, value: Any, place: str, known: tuple[str, ...]) -> dict[str, Any]:
        """An object whose fields are known; null is an empty one."""
        if value is not None and not isinstance(value, dict):
            self.problem(place, "must be an object")
        fields = mapping(value)
        for key in fields:
            if key not in known:
                self.problem(place + pointer(key), f"unknown field {key!r}")
        return fields

    def array(self, value: Any, place: str) -> list[Any]:
        """An array; null is an empty one."""
        if value is not None and not isinstance(value, list):
            self.problem(place, "must be a list")
        return value if isinstance(value, list) else []

    def selector(self, value: Any, place: str) -> Selector | None:
        """A label selector; null is an absent one."""
        if isinstance(value, dict):
            self.object(value, place, ("matchLabels", "matchExpressions"))
        try:
            found = parse_selector(value)
        except InvalidSelectorError as error:
            self.problem(place, str(error))
            return Selector()
        self._label_values(found, place)
        return found

    def _label_values(self, selector: Selector | None, place: str) -> None:
        for requirement in selector.requirements if selector else ():
            for value in requirement.values:
                if not _LABEL_VALUE.fullmatch(value):
                    self.problem(place, f"{value!r} is not a valid label value")


def parse(manifest: Manifest) -> PodPolicy:
    """Read a NetworkPolicy with the API server's defaults; `problems` say what it would refuse."""
    reader = _Reader()
    if manifest.api_version != API_VERSION:
        reader.problem("/apiVersion", f"Kubernetes serves NetworkPolicy as {API_VERSION} only")
    if not _NAME.fullmatch(manifest.name):
        reader.problem("/metadata/name", f"{manifest.name!r} is not a valid name")
    fields = ("podSelector", "policyTypes", "ingress", "egress")
    spec = reader.object(manifest.object.get("spec"), "/spec", fields)
    selector = reader.selector(spec.get("podSelector"), "/spec/podSelector") or Selector()
    ingress = _rules(reader, spec.get("ingress"), "/spec/ingress", "from")
    egress = _rules(reader, spec.get("egress"), "/spec/egress", "to")
    types = _types(reader, spec.get("policyTypes"), has_egress=bool(egress))
    return PodPolicy(
        id=manifest.id,
        namespace=manifest.namespace,
        name=manifest.name,
        selector=selector,
        directions=tuple(d for d in DIRECTIONS if d.capitalize() in types),
        ingress=ingress,
        egress=egress,
        problems=tuple(sorted(reader.problems)),
    )


def _types(reader: _Reader, value: Any, *, has_egress: bool) -> list[str]:
    types = reader.array(value, "/spec/policyTypes")
    if len(types) > len(_TYPES):
        reader.problem("/spec/policyTypes", "may not specify more than two policyTypes")
    for index, entry in enumerate(types):
        if entry not in _TYPES:
            reader.problem(pointer("spec", "policyTypes", index), f"{entry!r} is no policy type")
    if types:
        return [entry for entry in types if isinstance(entry, str)]
    return ["Ingress", "Egress"] if has_egress else ["Ingress"]


def _rules(reader: _Reader, value: Any, place: str, peers_field: str) -> tuple[Rule, ...]:
    found = []
    for index, entry in enumerate(reader.array(value, place)):
        here = f"{place}/{index}"
        rule = reader.object(entry, here, (peers_field, "ports"))
        peers = _each(reader, rule.get(peers_field), f"{here}/{peers_field}", _peer)
        ports = _each(reader, rule.get("ports"), f"{here}/ports", _port)
        found.append(Rule(here, tuple(peers), tuple(ports)))
    return tuple(found)


def _each(
    reader: _Reader, value: Any, place: str, read: Callable[[_Reader, Any, str], _Item]
) -> list[_Item]:
    entries = reader.array(value, place)
    return [read(reader, entry, f"{place}/{index}") for index, entry in enumerate(entries)]


def _peer(reader: _Reader, value: Any, place: str) -> Peer:
    fields = reader.object(value, place, ("podSelector", "namespaceSelector", "ipBlock"))
    pods = reader.selector(fields.get("podSelector"), f"{place}/podSelector")
    namespaces = reader.selector(fields.get("namespaceSelector"), f"{place}/namespaceSelector")
    selects = pods is not None or namespaces is not None
    if fields.get("ipBlock") is not None:
        if selects:
            reader.problem(place, "may not specify both ipBlock and another peer")
        return Peer(place, block=_block(reader, fields.get("ipBlock"), f"{place}/ipBlock"))
    if not selects:
        reader.problem(place, "must specify a peer")
    return Peer(place, namespaces=namespaces, pods=pods if pods is not None else Selector())


def _block(reader: _Reader, value: Any, place: str) -> Block:
    fields = reader.object(value, place, ("cidr", "except"))
    cidr, excepted = fields.get("cidr"), reader.array(fields.get("except"), f"{place}/except")
    if not isinstance(cidr, str) or not all(isinstance(text, str) for text in excepted):
        reader.problem(place, "cidr and except must be strings")
        return Block("", (), ())
    try:
        return block(cidr, excepted)
    except ValueError as error:
        reader.problem(place, str(error))
        return Block("", (), ())


def _port(reader: _Reader, value: Any, place: str) -> PortTerm:
    fields = reader.object(value, place, ("protocol", "port", "endPort"))
    protocol = fields.get("protocol") or "TCP"
    if protocol not in PROTOCOLS:
        reader.problem(f"{place}/protocol", f"{protocol!r} is none of TCP, UDP and SCTP")
        protocol = "TCP"
    port, end = _whole(fields.get("port")), _whole(fields.get("endPort"))
    if port is None:
        if end is not None:
            reader.problem(f"{place}/endPort", "needs a port")
        return PortTerm(protocol, pointer=place)
    if isinstance(port, str):
        return _named(reader, protocol, port, end, place)
    return _numbered(reader, protocol, port, end, place)


def _whole(value: Any) -> Any:
    """JSON knows one kind of number: 80.0 is 80."""
    return int(value) if type(value) is float and value.is_integer() else value


def _named(reader: _Reader, protocol: str, name: str, end: Any, place: str) -> PortTerm:
    if not _PORT_NAME.fullmatch(name):
        reader.problem(f"{place}/port", f"{name!r} is not a valid port name")
    if end is not None:
        reader.problem(f"{place}/endPort", "may not be specified when the port is a name")
    return PortTerm(protocol, name=name, pointer=place)


def _numbered(reader: _Reader, protocol: str, port: Any, end: Any, place: str) -> PortTerm:
    if not _is_port(port):
        reader.problem(f"{place}/port", f"{port!r} is not a port between 1 and {MAX_PORT}")
        port = 1
    if end is not None and (not _is_port(end) or end < port):
        reader.problem(f"{place}/endPort", f"{end!r} is not a port at or above {port}")
        end = None
    return PortTerm(protocol, port, port if end is None else end, pointer=place)


def _is_port(value: Any) -> bool:
    return type(value) is int and 1 <= value <= MAX_PORT
