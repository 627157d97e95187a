# SPDX-License-Identifier: Apache-2.0
"""Which policies of Calico contradict themselves, so that Calico refuses them?

Authority: projectcalico/calico a0db560f0520 libcalico-go/lib/validator/v3/validator.go
(validateRule, validateEntityRule, validateNetworkPolicy, validateGlobalNetworkPolicy), with which
this module agrees on random policies (tests/conformance/calico_policy). What a single value may be
is checked where it is read (`calico`, `calico_entities`).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from kguard.layers.network.semantics.calico_selectors import Meaning, SelectorError, parse
from kguard.layers.network.semantics.expressions import And, Condition, Expression, Not, Or
from kguard.layers.network.semantics.policy import DIRECTIONS, Direction
from kguard.layers.network.semantics.reader import Reader
from kguard.model.locations import pointer
from kguard.model.manifests import mapping, sequence

_GLOBAL = "global()"
_WITH_PORTS = ("TCP", "UDP", "SCTP", "6", "17", "132")
_FAMILIES = {"ICMP": 4, "ICMPv6": 6}
_SIDES = ("source", "destination")
_ALONE = ("namespaceSelector", "selector", "notSelector", "serviceAccounts", "nets", "notNets")
_SUBJECTS = ("selector", "serviceAccountSelector", "namespaceSelector")


def check_policy(reader: Reader, spec: dict[str, Any], namespace: str) -> None:
    """Report what contradicts itself in the `spec` of a policy."""
    types = [str(entry) for entry in sequence(spec.get("types"))]
    if len(types) != len(set(types)):
        reader.problem("/spec/types", "a type is named twice")
    for key in _SUBJECTS:
        if _GLOBAL in str(spec.get(key) or ""):
            reader.problem(pointer("spec", key), "global() is only for namespaces of rules")
    _check_hosts(reader, spec, types)
    for direction in DIRECTIONS:
        for index, rule in enumerate(sequence(spec.get(direction))):
            place = pointer("spec", direction, index)
            _check_direction(reader, mapping(rule), place, direction, namespace)
            _check_rule(reader, mapping(rule), place)


def _check_hosts(reader: Reader, spec: dict[str, Any], types: list[str]) -> None:
    """Policies before NAT and connection tracking, which are for hosts alone."""
    before, untracked = spec.get("preDNAT") is True, spec.get("doNotTrack") is True
    if before and untracked:
        reader.problem("/spec/preDNAT", "doNotTrack excludes preDNAT")
    if before and (spec.get("egress") or "Egress" in types):
        reader.problem("/spec/preDNAT", "preDNAT excludes egress")
    if (before or untracked) and spec.get("applyOnForward") is not True:
        reader.problem("/spec/applyOnForward", "must be true with preDNAT or doNotTrack")


def _check_direction(
    reader: Reader, rule: dict[str, Any], place: str, direction: Direction, namespace: str
) -> None:
    peer, own = _SIDES if direction == "ingress" else _SIDES[::-1]
    if _services(rule, own) is not None:
        reader.problem(f"{place}/{own}/services", f"services cannot be the {own} of {direction}")
    service = mapping(_services(rule, peer))
    if service and not (namespace or service.get("namespace")):
        reader.problem(f"{place}/{peer}/services", "the namespace of the Service is missing")
    if rule.get("http") is not None and direction == "egress":
        reader.problem(f"{place}/http", "http is only for ingress")


def _services(rule: dict[str, Any], side: str) -> Any:
    return mapping(rule.get(side)).get("services")


def _check_rule(reader: Reader, rule: dict[str, Any], place: str) -> None:
    protocol, family = rule.get("protocol"), rule.get("ipVersion")
    for side in _SIDES:
        fields = mapping(rule.get(side))
        _check_entity(reader, fields, f"{place}/{side}")
        for key in ("ports", "notPorts"):
            if fields.get(key) and str(protocol) not in _WITH_PORTS:
                reader.problem(f"{place}/{side}/{key}", "ports need a protocol that has some")
            if fields.get(key) and side == "destination" and fields.get("services") is not None:
                reader.problem(f"{place}/{side}/{key}", "services bring their ports")
    if rule.get("http") is not None:
        if rule.get("action") != "Allow":
            reader.problem(f"{place}/http", "http is only for the action Allow")
        if protocol not in (None, "TCP"):
            reader.problem(f"{place}/http", "http is only for TCP")
    for key in ("icmp", "notICMP"):
        _check_icmp(reader, mapping(rule.get(key)), f"{place}/{key}")
    if rule.get("icmp") is not None and protocol not in _FAMILIES:
        reader.problem(f"{place}/icmp", "icmp needs the protocol ICMP or ICMPv6")
    for key in ("protocol", "notProtocol"):
        wanted = _FAMILIES.get(str(rule.get(key)))
        if wanted and family not in (None, wanted):
            reader.problem(f"{place}/ipVersion", f"{rule.get(key)} is IPv{wanted}")
    _check_families(reader, rule, place)


def _check_icmp(reader: Reader, fields: dict[str, Any], place: str) -> None:
    for key, highest in (("type", 254), ("code", 255)):
        value = fields.get(key)
        if value is not None and not (type(value) is int and 0 <= value <= highest):
            reader.problem(f"{place}/{key}", f"must be a number from 0 to {highest}")
    if fields.get("code") is not None and fields.get("type") is None:
        reader.problem(f"{place}/code", "a code needs a type")


def _check_families(reader: Reader, rule: dict[str, Any], place: str) -> None:
    """Addresses of a rule are of one family, and of that of the rule."""
    texts = [
        str(net)
        for side in _SIDES
        for key in ("nets", "notNets")
        for net in sequence(mapping(rule.get(side)).get(key))
    ]
    families = {6 if ":" in text else 4 for text in texts}
    if len(families | ({rule["ipVersion"]} if rule.get("ipVersion") else set())) > 1 and families:
        reader.problem(place, "the rule speaks of IPv4 and of IPv6")


def _check_entity(reader: Reader, fields: dict[str, Any], place: str) -> None:
    if _GLOBAL in str(fields.get("selector") or ""):
        reader.problem(f"{place}/selector", "global() is only for namespaceSelector")
    if _joins_global(fields.get("namespaceSelector")):
        reader.problem(f"{place}/namespaceSelector", "global() cannot be joined with others")
    if fields.get("services") is None:
        return
    if not mapping(fields["services"]).get("name"):
        reader.problem(f"{place}/services", "the name of the Service is missing")
    for key in _ALONE:
        if fields.get(key) not in (None, "", []):
            reader.problem(f"{place}/{key}", "services exclude other conditions")


def _joins_global(text: Any) -> bool:
    """Whether `global()` follows or precedes an operator in the selector as Calico prints it."""
    sentinel = Condition("namespace", _GLOBAL, "has")
    try:
        found = parse(text if isinstance(text, str) else "", Meaning(lambda c: c, outside=sentinel))
    except SelectorError:
        return False
    return any(
        part == sentinel or (part == Not(sentinel) and index + 1 < len(parts))
        for parts in _joined(found)
        for index, part in enumerate(parts)
    )


def _joined(expression: Expression) -> Iterator[tuple[Expression, ...]]:
    match expression:
        case And() | Or():
            yield expression.parts
            for part in expression.parts:
                yield from _joined(part)
        case Not():
            yield from _joined(expression.part)
