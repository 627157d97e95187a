# SPDX-License-Identifier: Apache-2.0
"""Which pods, addresses and ports does one side of a rule of Calico name?

Authority: projectcalico/calico a0db560f0520
libcalico-go/lib/backend/syncersv1/updateprocessors/rules.go (GetEntityRuleSelector,
parseServiceAccounts, RuleAPIV2ToBackend) and api/pkg/apis/projectcalico/v3/policy_common.go. A
selector means pods and the addresses of network sets with matching labels; a namespaced policy
limits it to its namespace as soon as any selector is used; felix/calc/rule_scanner.go
(combineMatchesIfPossible) joins `notSelector` with what else selects.
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
_MAX_PROTOCOL = 255
_SPACE, _ACCOUNT = "projectcalico.org/namespace", "projectcalico.org/serviceaccount"
_NAME = "projectcalico.org/name"
_PREFIXES: dict[str, Source] = {"pcns.": "namespace", "pcsa.": "account"}
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
        on_pods, on_others = found.accepts("k8s"), found.accepts(None)
        if on_pods == on_others:
            return Constant(on_pods)
        return _IS_POD if on_pods else Not(_IS_POD)
    names: dict[str, Source] = {_SPACE: "namespace", _ACCOUNT: "account"}
    if key in names:
        return _of(names[key], msgspec.structs.replace(found, key=_NAME))
    for prefix, source in _PREFIXES.items():
        if key.startswith(prefix):
            return _of(source, msgspec.structs.replace(found, key=key[len(prefix) :]))
    return found


def _of(source: Source, found: Condition) -> Expression:
    """A label of a namespace or service account; Calico gives both a label with their name."""
    key = found.key
    if key == _NAME:
        key = NAME_LABEL if source == "namespace" else ACCOUNT_NAME
    return msgspec.structs.replace(found, source=source, key=key)


_IS_POD = Condition("account", ACCOUNT_NAME, "has")
_IN_NAMESPACE = Condition("namespace", NAME_LABEL, "has")
OWN = Meaning(_own)
NAMESPACE = Meaning(
    lambda found: _of("namespace", found), everything=_IN_NAMESPACE, outside=Not(_IN_NAMESPACE)
)
ACCOUNT = Meaning(lambda found: _of("account", found))


class Side(msgspec.Struct, frozen=True):
    """One side of a rule: whom it names (None for everyone), and the ports of its Service."""

    entity: Entity | None = None
    ports: tuple[PortTerm, ...] | None = None
    """None where it names no Service of the input."""


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
        group, not_group = self._groups(fields, place)
        nets = self._nets(fields.get("nets"), f"{place}/nets")
        not_nets = self._nets(fields.get("notNets"), f"{place}/notNets")
        if not (group or nets or not_group or not_nets or self._family):
            return Side()
        return Side(Entity(group, nets, not_group, not_nets, self._family))

    def _groups(self, fields: Mapping[str, Any], place: str) -> tuple[Group | None, Group | None]:
        """Who is selected and who is not.

        Beside another selector, `notSelector` narrows what that one means, object by object; an
        address that two of them share may then still be meant.
        """
        parts = self._selected(fields, place)
        negated = fields.get("notSelector")
        if not (isinstance(negated, str) and negated):
            return (self._with_sets(both(*parts)) if parts else None), None
        unwanted = self._parse(negated, f"{place}/notSelector", OWN)
        if parts:
            return self._with_sets(both(*parts, Not(unwanted))), None
        return None, self._with_sets(unwanted)

    def _selected(self, fields: Mapping[str, Any], place: str) -> list[Expression]:
        """The selectors, limited as Calico limits them."""
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
        return parts

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
                ranges.append(_whole_range(entry))
            except ValueError as error:
                self._reader.problem(f"{place}/{index}", str(error))
        return Block(", ".join(map(str, entries)), (), tuple(sorted(set(ranges))))

    def _service(self, fields: Mapping[str, Any], place: str) -> Side:
        """The endpoints of a Service, with their ports where it is the destination."""
        service = self._reader.object(fields["services"], place, ("name", "namespace"))
        namespace = service.get("namespace") or self._namespace
        found = self._around.services.get((namespace, service.get("name")))
        if found is None or not found.selector:
            doubt = "the endpoints of the Service are not in the input"
            return Side(Entity(family=self._family, doubt=doubt))
        if self._around.host_network.intersection(found.workloads):
            doubt = "pods of the Service have the addresses of their nodes"
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
    own: tuple[PortTerm, ...], written: tuple[PortTerm, ...]
) -> tuple[PortTerm, ...] | None:
    """The ports of a Service; a protocol in the rule leaves only those of it. None for no port."""
    protocols = {term.protocol for term in written}
    return tuple(t for t in own if not protocols or t.protocol in protocols) or None


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


def by_name(
    terms: tuple[PortTerm, ...], target: Entity | None
) -> list[tuple[tuple[PortTerm, ...], Entity | None]]:
    """Ports with those whom they are for: names are those of pods that are selected themselves.

    A pod that is meant by the addresses of a network set alone has no named ports there
    (felix/calc/rule_scanner.go, namedPortsToIPSets).
    """
    named = tuple(term for term in terms if term.name)
    if not named or target is None or target.group is None or not target.group.ranges:
        return [(terms, target)]
    numbered = tuple(term for term in terms if not term.name)
    pods = msgspec.structs.replace(target, group=Group(target.group.pods))
    return [(found, end) for found, end in ((numbered, target), (named, pods)) if found]


def _whole_range(value: Any) -> AddressRange:
    """The range of a CIDR without bits behind the prefix; the prefix may not be left out."""
    text = value if isinstance(value, str) else ""
    if "/" not in text:
        raise ValueError(f"{text!r} is not a CIDR")
    return network_range(str(ipaddress.ip_network(text)))


def ports(reader: Reader, fields: Mapping[str, Any], place: str) -> tuple[PortTerm, ...] | None:
    """The ports of a rule, none for all; None where it speaks of other protocols only."""
    target = fields.get("destination")
    target = target if isinstance(target, dict) else {}
    protocols = _protocols(reader, fields, place)
    wanted = reader.array(target.get("ports"), f"{place}/destination/ports")
    unwanted = reader.array(target.get("notPorts"), f"{place}/destination/notPorts")
    if protocols is None and not wanted and not unwanted:
        return ()
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
        if not (name or value in _OTHERS or _is_protocol_number(value)):
            reader.problem(f"{place}/{key}", f"{value!r} is not a protocol")
        known = PROTOCOLS if found is None else found
        found = tuple(p for p in known if (p == name) == (key == "protocol"))
    return found


def _spelled(value: Any) -> str:
    return str(value) if value in PROTOCOLS else _NUMBERS.get(port_number(str(value)), "")


def _is_protocol_number(value: Any) -> bool:
    return 1 <= (value if type(value) is int else port_number(str(value))) <= _MAX_PROTOCOL


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
    """A span of ports, or the ports of a name in one, without another span."""
    if high < term.low or term.high < low:
        return [term]
    parts = [(term.low, low - 1), (high + 1, term.high)]
    return [msgspec.structs.replace(term, low=a, high=b) for a, b in parts if a <= b]


def _term(reader: Reader, protocol: str, value: Any, place: str) -> PortTerm:
    """A number, a range `low:high`, or the name of a container port."""
    text = str(value)
    low, colon, high = text.partition(":")
    if is_number(low) and (is_number(high) if colon else True):
        first, last = int(low), int(high or low)
        if is_port(first) and first <= last <= MAX_PORT:
            return PortTerm(protocol, first, last, pointer=place)
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
