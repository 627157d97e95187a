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
from typing import Any

from kguard.inventory.selectors import Selector
from kguard.layers.network.semantics.addresses import Block, block
from kguard.layers.network.semantics.policy import (
    DIRECTIONS,
    Peer,
    PodPolicy,
    PortTerm,
    Rule,
)
from kguard.layers.network.semantics.ports import MAX_PORT, PROTOCOLS
from kguard.layers.network.semantics.reader import PORT_NAME, Reader, is_port, whole
from kguard.model.locations import pointer
from kguard.model.manifests import Manifest

API_VERSION = "networking.k8s.io/v1"

_NAME = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
_TYPES = ("Ingress", "Egress")


def parse(manifest: Manifest) -> PodPolicy:
    """Read a NetworkPolicy with the API server's defaults; `problems` say what it would refuse."""
    reader = Reader()
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


def _types(reader: Reader, value: Any, *, has_egress: bool) -> list[str]:
    types = reader.array(value, "/spec/policyTypes")
    if len(types) > len(_TYPES):
        reader.problem("/spec/policyTypes", "may not specify more than two policyTypes")
    for index, entry in enumerate(types):
        if entry not in _TYPES:
            reader.problem(pointer("spec", "policyTypes", index), f"{entry!r} is no policy type")
    if types:
        return [entry for entry in types if isinstance(entry, str)]
    return ["Ingress", "Egress"] if has_egress else ["Ingress"]


def _rules(reader: Reader, value: Any, place: str, peers_field: str) -> tuple[Rule, ...]:
    found = []
    for index, entry in enumerate(reader.array(value, place)):
        here = f"{place}/{index}"
        rule = reader.object(entry, here, (peers_field, "ports"))
        peers = reader.each(rule.get(peers_field), f"{here}/{peers_field}", _peer)
        ports = reader.each(rule.get("ports"), f"{here}/ports", _port)
        found.append(Rule(here, tuple(peers), tuple(ports)))
    return tuple(found)


def _peer(reader: Reader, value: Any, place: str) -> Peer:
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


def _block(reader: Reader, value: Any, place: str) -> Block:
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


def _port(reader: Reader, value: Any, place: str) -> PortTerm:
    fields = reader.object(value, place, ("protocol", "port", "endPort"))
    protocol = fields.get("protocol") or "TCP"
    if protocol not in PROTOCOLS:
        reader.problem(f"{place}/protocol", f"{protocol!r} is none of TCP, UDP and SCTP")
        protocol = "TCP"
    port, end = whole(fields.get("port")), whole(fields.get("endPort"))
    if port is None:
        if end is not None:
            reader.problem(f"{place}/endPort", "needs a port")
        return PortTerm(protocol, pointer=place)
    if isinstance(port, str):
        return _named(reader, protocol, port, end, place)
    return _numbered(reader, protocol, port, end, place)


def _named(reader: Reader, protocol: str, name: str, end: Any, place: str) -> PortTerm:
    if not PORT_NAME.fullmatch(name):
        reader.problem(f"{place}/port", f"{name!r} is not a valid port name")
    if end is not None:
        reader.problem(f"{place}/endPort", "may not be specified when the port is a name")
    return PortTerm(protocol, name=name, pointer=place)


def _numbered(reader: Reader, protocol: str, port: Any, end: Any, place: str) -> PortTerm:
    if not is_port(port):
        reader.problem(f"{place}/port", f"{port!r} is not a port between 1 and {MAX_PORT}")
        port = 1
    if end is not None and (not is_port(end) or end < port):
        reader.problem(f"{place}/endPort", f"{end!r} is not a port at or above {port}")
        end = None
    return PortTerm(protocol, port, port if end is None else end, pointer=place)
