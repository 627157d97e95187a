# SPDX-License-Identifier: Apache-2.0
"""Which pods, addresses and ports does one side of a rule of Calico name?

Authority: projectcalico/calico a0db560f0520
libcalico-go/lib/backend/syncersv1/updateprocessors/rules.go (GetEntityRuleSelector,
parseServiceAccounts, RuleAPIV2ToBackend) and api/pkg/apis/projectcalico/v3/policy_common.go. A
selector means pods and the addresses of network sets with matching labels; a namespaced policy
limits it to its namespace as soon as any selector is used; `notSelector` is not limited.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from typing import Any, Literal

import msgspec

from kguard.inventory.selectors import match_labels
from kguard.layers.network.semantics.addresses import AddressRange, Block, network_range
from kguard.layers.network.semantics.calico_selectors import Meaning, SelectorError, parse
from kguard.layers.network.semantics.endpoints import NAME_LABEL
from kguard.layers.network.semantics.expressions import (
    ACCOUNT_NAME,
    Condition,
    Constant,
    Expression,
    Not,
    Source,
    both,
    holds,
    of_selector,
)
from kguard.layers.network.semantics.policy import Entity, Group, PortTerm
from kguard.layers.network.semantics.ports import MAX_PORT, PROTOCOLS, is_number, port_number
from kguard.layers.network.semantics.reader import PORT_NAME, Reader, is_port
from kguard.layers.network.semantics.surroundings import NetworkSet, Surroundings

_NUMBERS = {6: "TCP", 17: "UDP", 132: "SCTP"}
_OTHERS = ("ICMP", "ICMPv6", "UDPLite")
_SPACE, _ACCOUNT = "projectcalico.org/namespace", "projectcalico.org/serviceaccount"
_ENTITY = (
    "namespaceSelector",
    "nets",
    "notNets",
    "notPorts",
    "notSelector",
    "ports",
    "selector",
    "serviceAccounts",
    "services",
)


def _own(found: Condition) -> Expression:
    """A label as Calico puts it on endpoints: some are made from other objects."""
    key = found.key
    if key == "projectcalico.org/orchestrator":
        return Constant(found.accepts("k8s"))
    names: dict[str, tuple[Source, str]] = {
        _SPACE: ("namespace", NAME_LABEL),
        _ACCOUNT: ("account", ACCOUNT_NAME),
    }
    source, name = names.get(key, ("pod", key))
    for prefix, other in (("pcns.", "namespace"), ("pcsa.", "account")):
        if key.startswith(prefix):
            source, name = ("namespace" if other == "namespace" else "account"), key[len(prefix) :]
    return msgspec.structs.replace(found, source=source, key=name)


_IN_NAMESPACE = Condition("namespace", NAME_LABEL, "has")
OWN = Meaning(_own)
NAMESPACE = Meaning(
    lambda found: msgspec.structs.replace(found, source="namespace"),
    everything=_IN_NAMESPACE,
    outside=Not(_IN_NAMESPACE),
)
ACCOUNT = Meaning(lambda found: msgspec.structs.replace(found, source="account"))


class Side(msgspec.Struct, frozen=True):
    """One side of a rule: whom it names (None for everyone), and the ports of its service."""

    entity: Entity | None = None
    ports: tuple[PortTerm, ...] = ()


class Scene:
    """Reads the sides of one rule."""

    def __init__(
        self, reader: Reader, namespace: str, around: Surroundings, family: Literal[0, 4, 6]
    ) -> None:
        self._reader = reader
        self._namespace = namespace
        self._around = around
        self._family = family

    def entity(self, value: Any, place: str) -> Side:
        """The source or the destination of a rule."""
        fields = self._reader.object(value, place, _ENTITY)
        services = fields.get("services")
        if services is not None:
            return self._service(fields, f"{place}/services")
        group = self._group(fields, place)
        negated = fields.get("notSelector")
        not_group = None
        if isinstance(negated, str) and negated:
            not_group = self._with_sets(self._parse(negated, f"{place}/notSelector", OWN))
        nets = self._nets(fields.get("nets"), f"{place}/nets")
        not_nets = self._nets(fields.get("notNets"), f"{place}/notNets")
        if not (group or nets or not_group or not_nets or self._family):
            return Side()
        return Side(Entity(group, nets, not_group, not_nets, self._family))

    def _group(self, fields: Mapping[str, Any], place: str) -> Group | None:
        """The selectors together, limited as Calico limits them."""
        spaces, selector = fields.get("namespaceSelector"), fields.get("selector")
        accounts = self._reader.object(
            fields.get("serviceAccounts"), f"{place}/serviceAccounts", ("names", "selector")
        )
        parts = []
        if isinstance(selector, str) and selector:
            parts.append(self._parse(selector, f"{place}/selector", OWN))
        parts += self._accounts(accounts, f"{place}/serviceAccounts")
        limited = bool(parts or spaces or fields.get("notSelector"))
        if isinstance(spaces, str) and spaces:
            parts.append(self._parse(spaces, f"{place}/namespaceSelector", NAMESPACE))
        elif self._namespace and limited:
            parts.append(Condition("namespace", NAME_LABEL, "==", (self._namespace,)))
        return self._with_sets(both(*parts)) if parts else None

    def _accounts(self, fields: Mapping[str, Any], place: str) -> list[Expression]:
        found: list[Expression] = []
        selector = fields.get("selector")
        if isinstance(selector, str) and selector:
            found.append(self._parse(selector, f"{place}/selector", ACCOUNT))
        names = self._reader.array(fields.get("names"), f"{place}/names")
        if names:
            found.append(Condition("account", ACCOUNT_NAME, "in", tuple(map(str, names))))
        return found

    def _parse(self, text: str, place: str, meaning: Meaning) -> Expression:
        try:
            return parse(text, meaning)
        except SelectorError as error:
            self._reader.problem(place, str(error))
            return Constant(value=False)

    def _with_sets(self, pods: Expression) -> Group:
        """The addresses of the network sets that an expression means belong to it."""
        chosen = [found for found in self._around.network_sets if _in_group(pods, found)]
        return Group(pods, tuple(sorted({entry for found in chosen for entry in found.ranges})))

    def _nets(self, value: Any, place: str) -> Block | None:
        entries = self._reader.array(value, place)
        if not entries:
            return None
        ranges = []
        for index, entry in enumerate(entries):
            try:
                ranges.append(any_range(entry))
            except ValueError as error:
                self._reader.problem(f"{place}/{index}", str(error))
        return Block(", ".join(map(str, entries)), (), tuple(sorted(set(ranges))))

    def _service(self, fields: Mapping[str, Any], place: str) -> Side:
        """The endpoints of a Service, with their ports where it is the destination."""
        service = self._reader.object(fields["services"], place, ("name", "namespace"))
        for key in fields:
            if key not in ("services", "ports", "notPorts"):
                self._reader.problem(place, f"services cannot be combined with {key}")
        namespace = service.get("namespace") or self._namespace
        found = self._around.services.get((namespace, service.get("name")))
        if found is None or not found.selector:
            doubt = "the endpoints of the Service are not in the input"
            return Side(Entity(family=self._family, doubt=doubt))
        own = Condition("namespace", NAME_LABEL, "==", (str(namespace),))
        pods = both(own, of_selector(match_labels(found.selector), "pod"))
        ports = tuple(
            PortTerm(port.protocol, name=port.target, pointer=place)
            if isinstance(port.target, str)
            else PortTerm(port.protocol, port.target, port.target, pointer=place)
            for port in found.ports
            if port.target
        )
        return Side(Entity(Group(pods), family=self._family), ports)

    def service_ports(
        self, own: tuple[PortTerm, ...], written: tuple[PortTerm, ...]
    ) -> tuple[PortTerm, ...]:
        """The ports of the Service; a protocol in the rule leaves only those of it."""
        protocols = {term.protocol for term in written}
        return tuple(term for term in own if not protocols or term.protocol in protocols)


def _in_group(pods: Expression, found: NetworkSet) -> bool:
    """Whether an expression means a network set by its labels."""

    def lookup(source: Source, key: str) -> str | None:
        if source == "namespace":
            return found.namespace_labels.get(key)
        return found.labels.get(key) if source == "pod" else None

    return holds(pods, lookup)


def any_range(value: Any) -> AddressRange:
    """The range of an address or of a CIDR, bits behind the prefix left out.

    Raises:
        ValueError: it is none.
    """
    network = ipaddress.ip_network(value if isinstance(value, str) else "", strict=False)
    return network_range(str(network))


def ports(reader: Reader, fields: Mapping[str, Any], place: str) -> tuple[PortTerm, ...] | None:
    """The ports of a rule, none for all; None where it speaks of other protocols only."""
    target = fields.get("destination")
    target = target if isinstance(target, dict) else {}
    protocols = _protocols(reader, fields, place)
    wanted = reader.array(target.get("ports"), f"{place}/destination/ports")
    unwanted = reader.array(target.get("notPorts"), f"{place}/destination/notPorts")
    if protocols is None and not wanted and not unwanted:
        return ()
    if (wanted or unwanted) and fields.get("protocol") is None:
        reader.problem(f"{place}/destination/ports", "ports need a protocol")
    spoken = PROTOCOLS if protocols is None else protocols
    found = [term for name in spoken for term in _terms(reader, name, wanted, unwanted, place)]
    return tuple(found) or None


def _protocols(reader: Reader, fields: Mapping[str, Any], place: str) -> tuple[str, ...] | None:
    """The protocols of a rule among those with ports; None for all of them and any other."""
    found: tuple[str, ...] | None = None
    for key in ("protocol", "notProtocol"):
        value = fields.get(key)
        if value is None:
            continue
        name = _NUMBERS.get(value, "") if type(value) is int else _spelled(value)
        if not name and type(value) is not int and value not in _OTHERS:
            reader.problem(f"{place}/{key}", f"{value!r} is not a protocol")
        known = PROTOCOLS if found is None else found
        found = tuple(p for p in known if (p == name) == (key == "protocol"))
    return found


def _spelled(value: Any) -> str:
    text = str(value).upper()
    return text if text in PROTOCOLS else _NUMBERS.get(port_number(text), "")


def _terms(
    reader: Reader, protocol: str, wanted: list[Any], unwanted: list[Any], place: str
) -> list[PortTerm]:
    here = f"{place}/destination/ports"
    found = [_term(reader, protocol, entry, here) for entry in wanted]
    holes = [_term(reader, protocol, entry, here) for entry in unwanted]
    spans = [(term.low, term.high) for term in holes if not term.name]
    if not wanted:
        found = [PortTerm(protocol, pointer=here)]
    for low, high in spans:
        found = [part for term in found for part in _without(term, low, high)]
    return found


def _without(term: PortTerm, low: int, high: int) -> list[PortTerm]:
    """A span of ports without another; a name stays."""
    if term.name or high < term.low or term.high < low:
        return [term]
    parts = [(term.low, low - 1), (high + 1, term.high)]
    return [PortTerm(term.protocol, a, b, pointer=term.pointer) for a, b in parts if a <= b]


def _term(reader: Reader, protocol: str, value: Any, place: str) -> PortTerm:
    """A number, a range `low:high`, or the name of a container port."""
    text = str(value)
    low, colon, high = text.partition(":")
    if is_number(low) and (is_number(high) if colon else True):
        first, last = int(low), int(high or low)
        if (is_port(first) or first == 0) and first <= last <= MAX_PORT:
            return PortTerm(protocol, max(first, 1), max(last, 1), pointer=place)
    elif isinstance(value, str) and PORT_NAME.fullmatch(text):
        return PortTerm(protocol, name=text, pointer=place)
    reader.problem(place, f"{value!r} is not a port")
    return PortTerm(protocol, 1, 1, pointer=place)


def words(fields: Mapping[str, Any]) -> str:
    """One side of a rule, said shortly."""
    parts = []
    for key, value in sorted(fields.items()):
        if key in ("ports", "notPorts"):
            continue
        parts.append(f"{key} {_said(value)}")
    return "; ".join(parts)


def _said(value: Any) -> str:
    if isinstance(value, dict):
        return " ".join(f"{name}={_said(entry)}" for name, entry in sorted(value.items()))
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
