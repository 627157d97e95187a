# SPDX-License-Identifier: Apache-2.0
"""Which values of a NetworkPolicy does the API server refuse?

Authority: kubernetes/kubernetes pkg/apis/networking/validation/validation.go
(ValidateNetworkPolicy) and apimachinery's validation of label selectors, names and CIDRs.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator
from typing import Any

from kguard.layers.manifests.semantics.names import label_value, port_name, subdomain
from kguard.layers.manifests.semantics.shape import Problem
from kguard.model.manifests import JsonObject, mapping, sequence

MAX_PORT = 65535
_PROTOCOLS = ("TCP", "UDP", "SCTP")
_TYPES = ("Ingress", "Egress")
_OPERATORS = ("In", "NotIn", "Exists", "DoesNotExist")
_LEADING_ZERO = re.compile(r"(^|[./:])0[0-9]")


def values(policy: JsonObject) -> Iterator[Problem]:
    """Every value that ValidateNetworkPolicy refuses."""
    name = mapping(policy.get("metadata")).get("name")
    if isinstance(name, str) and (reason := subdomain(name)):
        yield Problem("/metadata/name", "invalid", f"`{name}` is no name: {reason}")
    spec = mapping(policy.get("spec"))
    yield from _selector(spec.get("podSelector"), "/spec/podSelector")
    yield from _types(sequence(spec.get("policyTypes")))
    for direction, peers in (("ingress", "from"), ("egress", "to")):
        for index, rule in enumerate(sequence(spec.get(direction))):
            place = f"/spec/{direction}/{index}"
            for number, peer in enumerate(sequence(mapping(rule).get(peers))):
                yield from _peer(mapping(peer), f"{place}/{peers}/{number}")
            for number, port in enumerate(sequence(mapping(rule).get("ports"))):
                yield from _port(mapping(port), f"{place}/ports/{number}")


def _types(types: list[Any]) -> Iterator[Problem]:
    if len(types) > len(_TYPES):
        yield Problem("/spec/policyTypes", "invalid", "more than two policyTypes")
    for index, text in enumerate(types):
        if text not in _TYPES:
            place = f"/spec/policyTypes/{index}"
            yield Problem(place, "invalid", f"`{text}` is not one of Ingress, Egress")


def _peer(peer: JsonObject, place: str) -> Iterator[Problem]:
    block = peer.get("ipBlock")
    selectors = [key for key in ("podSelector", "namespaceSelector") if peer.get(key) is not None]
    if block is None and not selectors:
        yield Problem(place, "invalid", "the peer names nobody")
    if block is not None and selectors:
        yield Problem(place, "invalid", "ipBlock and selectors in one peer")
    for key in selectors:
        yield from _selector(peer[key], f"{place}/{key}")
    if isinstance(block, dict):
        yield from _block(block, f"{place}/ipBlock")


def _block(block: JsonObject, place: str) -> Iterator[Problem]:
    network = None
    try:
        network = _network(block.get("cidr"))
    except ValueError as error:
        yield Problem(f"{place}/cidr", "invalid", f"`{block.get('cidr')}` {error}")
    for index, text in enumerate(sequence(block.get("except"))):
        inside = f"{place}/except/{index}"
        try:
            hole = _network(text)
        except ValueError as error:
            yield Problem(inside, "invalid", f"`{text}` {error}")
            continue
        if network is not None and not _strictly_inside(hole, network):
            yield Problem(inside, "invalid", f"`{text}` is not a part of `{block.get('cidr')}`")


_Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def _network(text: Any) -> _Network:
    if not isinstance(text, str) or "/" not in text:
        raise ValueError("is no CIDR, such as 10.0.0.0/8")
    if _LEADING_ZERO.search(text.partition("/")[0]) and ":" not in text:
        raise ValueError("has leading zeros")
    if re.search(r"/0[0-9]", text):
        raise ValueError("has leading zeros")
    try:
        found = ipaddress.ip_network(text, strict=False)
    except ValueError:
        raise ValueError("is no CIDR, such as 10.0.0.0/8") from None
    if ipaddress.ip_address(text.partition("/")[0]) != found.network_address:
        raise ValueError(f"has bits beyond its prefix; `{found}` is the network")
    return found


def _strictly_inside(hole: _Network, network: _Network) -> bool:
    if isinstance(hole, ipaddress.IPv4Network) and isinstance(network, ipaddress.IPv4Network):
        return hole != network and hole.subnet_of(network)
    if isinstance(hole, ipaddress.IPv6Network) and isinstance(network, ipaddress.IPv6Network):
        return hole != network and hole.subnet_of(network)
    return False


def _port(port: JsonObject, place: str) -> Iterator[Problem]:
    protocol, number, end = port.get("protocol"), port.get("port"), port.get("endPort")
    if protocol is not None and protocol not in _PROTOCOLS:
        text = f"`{protocol}` is not one of TCP, UDP, SCTP"
        yield Problem(f"{place}/protocol", "invalid", text)
    if isinstance(number, int | float) and not 1 <= number <= MAX_PORT:
        yield Problem(f"{place}/port", "invalid", f"{number} is no port")
    if isinstance(number, str) and (reason := port_name(number)):
        yield Problem(f"{place}/port", "invalid", f"`{number}` is no port name: {reason}")
    if isinstance(end, int | float) and not isinstance(end, bool):
        if not isinstance(number, int | float):
            yield Problem(f"{place}/endPort", "invalid", "endPort needs a numeric port")
        elif end < number or end > MAX_PORT:
            yield Problem(f"{place}/endPort", "invalid", f"{end} is not between {number} and 65535")


def _selector(value: Any, place: str) -> Iterator[Problem]:
    selector = mapping(value)
    for key, text in mapping(selector.get("matchLabels")).items():
        if isinstance(text, str) and (reason := label_value(text)):
            yield Problem(f"{place}/matchLabels", "invalid", f"`{key}: {text}`: {reason}")
    for index, entry in enumerate(sequence(selector.get("matchExpressions"))):
        yield from _expression(mapping(entry), f"{place}/matchExpressions/{index}")


def _expression(entry: JsonObject, place: str) -> Iterator[Problem]:
    operator, found = entry.get("operator"), sequence(entry.get("values"))
    if operator not in _OPERATORS:
        text = f"`{operator or ''}` is not one of {', '.join(_OPERATORS)}"
        yield Problem(f"{place}/operator", "invalid", text)
    elif (operator in ("In", "NotIn")) != bool(found):
        needs = "needs values" if operator in ("In", "NotIn") else "takes no values"
        yield Problem(f"{place}/values", "invalid", f"{operator} {needs}")
    for index, text in enumerate(found):
        if isinstance(text, str) and (reason := label_value(text)):
            yield Problem(f"{place}/values/{index}", "invalid", f"`{text}`: {reason}")
