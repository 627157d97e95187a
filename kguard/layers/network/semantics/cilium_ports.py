# SPDX-License-Identifier: Apache-2.0
"""Which ports does a rule of Cilium speak of, and does it look into what is sent there?

Authority: cilium/cilium v1.20.2 pkg/policy/api/l4.go and rule_validation.go (PortRule.sanitize): a
protocol left out means TCP, UDP and SCTP; port 0 means all of a protocol; rules for HTTP or DNS
make the rule narrower than its ports.
"""

from __future__ import annotations

from typing import Any

from kguard.layers.network.semantics.policy import PortTerm
from kguard.layers.network.semantics.ports import MAX_PORT, PROTOCOLS, is_number
from kguard.layers.network.semantics.reader import Reader
from kguard.model.manifests import mapping, sequence

Group = tuple[tuple[PortTerm, ...], str]
"""Ports, and why the rule may match less at them."""

_MAX_PORTS = 40
_NARROW = ("listener", "originatingTLS", "serverNames", "terminatingTLS")


def port_groups(reader: Reader, value: Any, place: str) -> list[Group]:
    """The ports of a rule, by what narrows them; every port where none are named."""
    entries = reader.array(value, place)
    if not entries:
        return [((), "")]
    found: dict[str, list[PortTerm]] = {}
    for index, entry in enumerate(entries):
        here = f"{place}/{index}"
        fields = reader.object(entry, here, ("ports", "rules", *_NARROW))
        ports = reader.array(fields.get("ports"), f"{here}/ports")
        if len(ports) > _MAX_PORTS:
            reader.problem(f"{here}/ports", f"may not hold more than {_MAX_PORTS} ports")
        terms = found.setdefault(_narrower(fields), [])
        for number, port in enumerate(ports):
            terms += _terms(reader, port, f"{here}/ports/{number}")
    return [(tuple(terms), doubt) for doubt, terms in sorted(found.items()) if terms]


def _narrower(fields: dict[str, Any]) -> str:
    rules = mapping(fields.get("rules"))
    for protocol, entries in sorted(rules.items()):
        wide = any(not entry or entry == {"matchPattern": "*"} for entry in sequence(entries))
        if entries and not wide:
            return f"only some {protocol.upper()} requests"
    if any(fields.get(key) for key in _NARROW):
        return "only TLS connections of some names"
    return ""


def _terms(reader: Reader, value: Any, place: str) -> list[PortTerm]:
    fields = reader.object(value, place, ("endPort", "port", "protocol"))
    protocol = str(fields.get("protocol") or "ANY").upper()
    if protocol not in (*PROTOCOLS, "ANY"):
        # ICMP and others have no ports in the sense of this module.
        return []
    protocols = PROTOCOLS if protocol == "ANY" else (protocol,)
    port, end = fields.get("port"), fields.get("endPort") or 0
    if not isinstance(port, str):
        reader.problem(f"{place}/port", f"{port!r} is not a text")
        return []
    if not is_number(port):
        return [PortTerm(p, name=port.lower(), pointer=place) for p in protocols]
    low = int(port)
    high = end if type(end) is int and end > low else low
    if not low <= high <= MAX_PORT:
        reader.problem(f"{place}/port", f"{port} is not a port up to {MAX_PORT}")
        return []
    if low == 0:
        return [PortTerm(p, pointer=place) for p in protocols]
    return [PortTerm(p, low, high, pointer=place) for p in protocols]
