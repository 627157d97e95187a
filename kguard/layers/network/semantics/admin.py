# SPDX-License-Identifier: Apache-2.0
"""What do the cluster-wide policies of network-policy-api mean, and would their CRDs take them?

Authority: kubernetes-sigs/network-policy-api v0.1.5 apis/v1alpha1 (AdminNetworkPolicy,
BaselineAdminNetworkPolicy) and 0eec1b0 apis/v1alpha2/clusternetworkpolicy_types.go
(ClusterNetworkPolicy), with the validation rules of their generated CRDs. Held against recorded
answers of netpol-analyzer (tests/conformance/netpol_analyzer), of the evaluators of
kube-network-policies (cnp_random) and the API's own probes (network_policy_api).
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable
from typing import Any

import msgspec

from kguard.inventory.selectors import Selector
from kguard.layers.network.semantics.addresses import block
from kguard.layers.network.semantics.policy import (
    ADMIN,
    BASELINE,
    DIRECTIONS,
    Action,
    Direction,
    Peer,
    PodPolicy,
    PortTerm,
    Rule,
    Tier,
)
from kguard.layers.network.semantics.ports import PROTOCOLS
from kguard.layers.network.semantics.reader import PORT_NAME, Reader, is_port, whole
from kguard.layers.network.semantics.surroundings import Surroundings
from kguard.model.locations import pointer
from kguard.model.manifests import Manifest

GROUP = "policy.networking.k8s.io"
KINDS = ("AdminNetworkPolicy", "BaselineAdminNetworkPolicy", "ClusterNetworkPolicy")

_MAX_PRIORITY, _MAX_NAME = 1000, 100
_LABEL = r"[a-zA-Z0-9]([-a-zA-Z0-9_]*[a-zA-Z0-9])?"
_DOMAIN = re.compile(rf"(\*\.)?({_LABEL}\.)+{_LABEL}\.?")
_ACTIONS: dict[str, Action] = {"Allow": "allow", "Accept": "allow", "Deny": "deny", "Pass": "pass"}
_FIELDS: dict[Direction, str] = {"ingress": "from", "egress": "to"}


class _Version(msgspec.Struct, frozen=True):
    """Where the versions of the API differ."""

    api_version: str
    actions: tuple[str, ...]
    ports_field: str
    port: Callable[[Reader, Any, str], PortTerm]
    most: int
    """How many rules, peers or ports a list may hold."""


def parse(manifest: Manifest, around: Surroundings) -> PodPolicy:
    """Read a policy of any of `KINDS`; `problems` say what the API server would refuse."""
    reader = Reader()
    version = _version(manifest.kind)
    if manifest.api_version != version.api_version:
        text = f"{manifest.kind} is served as {version.api_version} only"
        reader.problem("/apiVersion", text)
    spec = reader.object(manifest.object.get("spec"), "/spec", _spec_fields(manifest.kind))
    spaces, pods = _subject(reader, spec.get("subject"))
    rules = {d: _rules(reader, spec.get(d), d, version, around) for d in DIRECTIONS}
    return PodPolicy(
        id=manifest.id,
        namespace="",
        name=manifest.name,
        selector=pods,
        directions=tuple(d for d in DIRECTIONS if rules[d]),
        ingress=rules["ingress"],
        egress=rules["egress"],
        kind=manifest.kind,
        tier=_tier(reader, manifest, spec),
        order=_priority(reader, manifest, spec),
        subject="/spec/subject",
        spaces=spaces,
        pods_only=True,
        problems=tuple(sorted(reader.problems)),
    )


def _spec_fields(kind: str) -> tuple[str, ...]:
    common = ("subject", "ingress", "egress")
    if kind == "AdminNetworkPolicy":
        return (*common, "priority")
    return (*common, "priority", "tier") if kind == "ClusterNetworkPolicy" else common


def _version(kind: str) -> _Version:
    if kind == "ClusterNetworkPolicy":
        return _Version(f"{GROUP}/v1alpha2", ("Accept", "Deny", "Pass"), "protocols", _protocol, 25)
    actions = ("Allow", "Deny", "Pass") if kind == "AdminNetworkPolicy" else ("Allow", "Deny")
    return _Version(f"{GROUP}/v1alpha1", actions, "ports", _port, 100)


def _tier(reader: Reader, manifest: Manifest, spec: dict[str, Any]) -> Tier:
    if manifest.kind == "AdminNetworkPolicy":
        return ADMIN
    if manifest.kind == "BaselineAdminNetworkPolicy":
        if manifest.name != "default":
            text = "only one baseline admin network policy, named `default`, can be created"
            reader.problem("/metadata", text)
        return BASELINE
    tier = spec.get("tier")
    if tier not in ("Admin", "Baseline"):
        reader.problem("/spec/tier", f"{tier!r} is neither Admin nor Baseline")
    return BASELINE if tier == "Baseline" else ADMIN


def _priority(reader: Reader, manifest: Manifest, spec: dict[str, Any]) -> float:
    if manifest.kind == "BaselineAdminNetworkPolicy":
        return 0
    priority = whole(spec.get("priority"))
    if type(priority) is int and 0 <= priority <= _MAX_PRIORITY:
        return priority
    reader.problem("/spec/priority", f"{priority!r} is not a number from 0 to {_MAX_PRIORITY}")
    return 0


def _one_of(reader: Reader, value: Any, place: str, known: tuple[str, ...]) -> tuple[str, Any]:
    """The only field of an object, which the API wants to be exactly one."""
    fields = reader.object(value, place, known)
    given = [(key, entry) for key, entry in fields.items() if entry is not None and key in known]
    if len(given) != 1:
        reader.problem(place, f"exactly one of {', '.join(known)} must be set")
        return "", None
    return given[0]


def _subject(reader: Reader, value: Any) -> tuple[Selector, Selector]:
    key, given = _one_of(reader, value, "/spec/subject", ("namespaces", "pods"))
    return _selectors(reader, key, given, pointer("spec", "subject", key))


def _selectors(reader: Reader, key: str, value: Any, place: str) -> tuple[Selector, Selector]:
    """The selectors of namespaces and of pods."""
    if key == "namespaces":
        return reader.selector(value, place) or Selector(), Selector()
    fields = reader.object(value, place, ("namespaceSelector", "podSelector"))
    found = []
    for name in ("namespaceSelector", "podSelector"):
        if fields.get(name) is None and key:
            reader.problem(place + pointer(name), "must be set")
        found.append(reader.selector(fields.get(name), place + pointer(name)) or Selector())
    return found[0], found[1]


def _rules(
    reader: Reader, value: Any, direction: Direction, version: _Version, around: Surroundings
) -> tuple[Rule, ...]:
    place = pointer("spec", direction)

    def read(reader: Reader, entry: Any, here: str) -> Rule:
        return _rule(reader, entry, here, direction, version, around)

    found = reader.each(value, place, read)
    if len(found) > version.most:
        reader.problem(place, f"may not hold more than {version.most} rules")
    return tuple(found)


def _rule(
    reader: Reader,
    value: Any,
    place: str,
    direction: Direction,
    version: _Version,
    around: Surroundings,
) -> Rule:
    side, ports_field = _FIELDS[direction], version.ports_field
    fields = reader.object(value, place, ("name", "action", side, ports_field))
    action, name = fields.get("action"), fields.get("name") or ""
    if action not in version.actions:
        reader.problem(f"{place}/action", f"{action!r} is none of {', '.join(version.actions)}")
    if not isinstance(name, str) or len(name) > _MAX_NAME:
        reader.problem(f"{place}/name", f"must be a text of at most {_MAX_NAME} characters")
    peers = _peers(reader, fields.get(side), f"{place}/{side}", direction, around)
    ports = reader.each(fields.get(ports_field), f"{place}/{ports_field}", version.port)
    if max(len(peers), len(ports)) > version.most:
        reader.problem(place, f"may not hold more than {version.most} peers or ports")
    rule = Rule(place, peers, tuple(ports), _ACTIONS.get(str(action), "deny"), str(name))
    _together(reader, rule)
    return rule


def _together(reader: Reader, rule: Rule) -> None:
    """What the API refuses only in combination."""
    if any(term.name for term in rule.ports) and any(peer.block for peer in rule.peers):
        text = "networks and nodes peers cannot be set with port names, which they do not have"
        reader.problem(rule.pointer, text)
    if rule.action != "allow" and any(peer.block_of == "outside" for peer in rule.peers):
        reader.problem(rule.pointer, "domainNames may only be allowed, neither denied nor passed")


def _peers(
    reader: Reader, value: Any, place: str, direction: Direction, around: Surroundings
) -> tuple[Peer, ...]:
    known: tuple[str, ...] = ("namespaces", "pods")
    if direction == "egress":
        known += ("nodes", "networks", "domainNames")
    entries = reader.array(value, place)
    if not entries:
        reader.problem(place, "must hold at least one peer")
    found: list[Peer] = []
    for index, entry in enumerate(entries):
        here = f"{place}/{index}"
        key, given = _one_of(reader, entry, here, known)
        found += _peer(reader, key, given, here + pointer(key), around)
    return tuple(found)


def _peer(reader: Reader, key: str, value: Any, place: str, around: Surroundings) -> list[Peer]:
    match key:
        case "nodes":
            return [around.nodes_peer(place, reader.selector(value, place) or Selector())]
        case "networks":
            return reader.each(value, place, _network)
        case "domainNames":
            names = reader.array(value, place)
            return [_domain(reader, name, f"{place}/{n}", around) for n, name in enumerate(names)]
        case _:
            spaces, pods = _selectors(reader, key, value, place)
            return [Peer(place, namespaces=spaces, pods=pods, pods_only=True)]


def _network(reader: Reader, value: Any, place: str) -> Peer:
    try:
        network = ipaddress.ip_network(value if isinstance(value, str) else "", strict=False)
        return Peer(place, block=block(str(network)), block_of="networks")
    except ValueError as error:
        reader.problem(place, str(error))
        return Peer(place, namespaces=Selector())


def _domain(reader: Reader, value: Any, place: str, around: Surroundings) -> Peer:
    if not isinstance(value, str) or not _DOMAIN.fullmatch(value):
        reader.problem(place, f"{value!r} is not a domain name")
    return around.domain_peer(place, str(value))


def _port(reader: Reader, value: Any, place: str) -> PortTerm:
    """An entry of `ports` of v1alpha1."""
    key, given = _one_of(reader, value, place, ("portNumber", "portRange", "namedPort"))
    here = place + pointer(key)
    if key == "namedPort":
        return _named(reader, given, here)
    known = ("protocol", "port") if key == "portNumber" else ("protocol", "start", "end")
    fields = reader.object(given, here, known)
    protocol = fields.get("protocol") or "TCP"
    if protocol not in PROTOCOLS:
        reader.problem(f"{here}/protocol", f"{protocol!r} is none of TCP, UDP and SCTP")
        protocol = "TCP"
    if key == "portNumber":
        return _span(reader, protocol, fields.get("port"), fields.get("port"), here)
    return _range(reader, protocol, fields, here)


def _protocol(reader: Reader, value: Any, place: str) -> PortTerm:
    """An entry of `protocols` of v1alpha2."""
    key, given = _one_of(reader, value, place, ("tcp", "udp", "sctp", "destinationNamedPort"))
    here = place + pointer(key)
    if key == "destinationNamedPort":
        return _named(reader, given, here)
    protocol = key.upper() or "TCP"
    fields = reader.object(given, here, ("destinationPort",))
    if fields.get("destinationPort") is None:
        reader.problem(here, "destinationPort must be set")
        return PortTerm(protocol, pointer=here)
    here += "/destinationPort"
    kind, port = _one_of(reader, fields["destinationPort"], here, ("number", "range"))
    if kind == "range":
        return _range(reader, protocol, reader.object(port, here, ("start", "end")), here)
    return _span(reader, protocol, port, port, here)


def _named(reader: Reader, value: Any, place: str) -> PortTerm:
    if not isinstance(value, str) or not PORT_NAME.fullmatch(value):
        reader.problem(place, f"{value!r} is not a valid port name")
    return PortTerm("", name=str(value), pointer=place)


def _range(reader: Reader, protocol: str, fields: dict[str, Any], place: str) -> PortTerm:
    low, high = whole(fields.get("start")), whole(fields.get("end"))
    if is_port(low) and is_port(high) and low >= high:
        reader.problem(place, f"the range must end after {low}")
        high = low
    return _span(reader, protocol, low, high, place)


def _span(reader: Reader, protocol: str, low: Any, high: Any, place: str) -> PortTerm:
    low, high = whole(low), whole(high)
    if not is_port(low) or not is_port(high):
        reader.problem(place, "a port is a number between 1 and 65535")
        return PortTerm(protocol, 1, 1, pointer=place)
    return PortTerm(protocol, low, high, pointer=place)
