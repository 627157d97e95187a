# SPDX-License-Identifier: Apache-2.0
"""Which pods and addresses does a rule of Cilium name?

Authority: cilium/cilium v1.20.2 pkg/k8s/apis/cilium.io/utils/utils.go (getEndpointSelector: how
selectors are limited to a namespace), pkg/policy/api/entity.go, cidr.go, fqdn.go, service.go and
Documentation/security/policy/layer3.rst: CIDRs mean neither pods nor nodes.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from kguard.inventory.selectors import InvalidSelectorError, Selector, match_labels, parse_selector
from kguard.layers.network.semantics.addresses import AddressRange, Block
from kguard.layers.network.semantics.calico_entities import any_range
from kguard.layers.network.semantics.endpoints import NAME_LABEL
from kguard.layers.network.semantics.expressions import (
    ACCOUNT_NAME,
    Condition,
    Constant,
    Expression,
    Not,
    Source,
    both,
    conditions,
    of_selector,
)
from kguard.layers.network.semantics.policy import Direction, Entity, Group, Peer
from kguard.layers.network.semantics.reader import Reader
from kguard.layers.network.semantics.services import Service
from kguard.layers.network.semantics.surroundings import EVERYWHERE, Surroundings, without
from kguard.model.manifests import mapping, sequence, strings

FIELDS: dict[Direction, tuple[str, ...]] = {
    "ingress": (
        "fromCIDR",
        "fromCIDRSet",
        "fromEndpoints",
        "fromEntities",
        "fromGroups",
        "fromNodes",
        "fromRequires",
    ),
    "egress": (
        "toCIDR",
        "toCIDRSet",
        "toEndpoints",
        "toEntities",
        "toFQDNs",
        "toGroups",
        "toNodes",
        "toRequires",
        "toServices",
    ),
}
_SPACE = "io.kubernetes.pod.namespace"
_SPACE_LABELS = "io.cilium.k8s.namespace.labels."
_NOBODY = Entity(Group(Constant(value=False)))
_NODES = ("host", "remote-node")
_ABSENT = ("health", "ingress", "init", "none", "unmanaged")
_ENTITIES = ("all", "cluster", "cluster-mesh", "kube-apiserver", "world", *_NODES, *_ABSENT)
_FAMILIES = {"world-ipv4": 4, "world-ipv6": 6}


def expression(reader: Reader, value: Any, place: str) -> Expression:
    """A selector of Cilium: keys may name the source of a label."""
    try:
        selector = parse_selector(value) or Selector()
    except InvalidSelectorError as error:
        reader.problem(place, str(error))
        return Constant(value=False)
    return _meaning(of_selector(selector, "pod"))


def without_namespace(value: Any) -> Any:
    """A selector of pods without a label for their namespace, which Cilium replaces."""
    labels = mapping(mapping(value).get("matchLabels"))
    if f"k8s:{_SPACE}" not in labels:
        return value
    kept = {key: text for key, text in labels.items() if key != f"k8s:{_SPACE}"}
    return {**value, "matchLabels": kept}


def _meaning(found: Expression) -> Expression:
    """The labels that Cilium makes of other objects, at their source."""
    match found:
        case Condition():
            return _condition(found)
        case Not():
            return Not(_meaning(found.part))
        case Constant():
            return found
        case _:
            return both(*(_meaning(part) for part in found.parts))


def _condition(found: Condition) -> Expression:
    key = found.key
    for prefix in ("k8s:", "any:"):
        key = key.removeprefix(prefix)
    if key == "io.cilium.k8s.policy.cluster":
        return Constant(found.accepts("default"))
    names: dict[str, tuple[Source, str]] = {
        _SPACE: ("namespace", NAME_LABEL),
        "io.cilium.k8s.policy.serviceaccount": ("account", ACCOUNT_NAME),
    }
    source, name = names.get(key, ("pod", key))
    if key.startswith(_SPACE_LABELS):
        source, name = "namespace", key.removeprefix(_SPACE_LABELS)
    return msgspec.structs.replace(found, source=source, key=name)


class Scene:
    """Reads the peers of the rules of one policy."""

    def __init__(self, reader: Reader, namespace: str, around: Surroundings) -> None:
        self.reader = reader
        self._namespace = namespace
        self._around = around
        self._readers: dict[str, Callable[[Any, str], list[Peer]]] = {
            "CIDR": self._cidr,
            "CIDRSet": self._cidr_set,
            "Endpoints": self._endpoints,
            "Entities": self._entity,
            "FQDNs": self._domain,
            "Services": self._service,
        }

    def peers(
        self, fields: dict[str, Any], place: str, direction: Direction
    ) -> tuple[Peer, ...] | None:
        """The peers of a rule; None where it names none at all, () where it names nobody."""
        prefix = "from" if direction == "ingress" else "to"
        given = [key for key in FIELDS[direction] if fields.get(key) is not None]
        full = [key for key in given if fields[key]]
        for key in full:
            if key.endswith("Requires"):
                self.reader.problem(f"{place}/{key}", f"Cilium does not know {key} any more")
        if len(full) > 1:
            self.reader.problem(place, f"combining {' and '.join(full)} is not supported")
        if not given:
            return None
        if len(full) < len(given):
            return ()
        return tuple(
            peer
            for key in full
            for index, entry in enumerate(self.reader.array(fields[key], f"{place}/{key}"))
            for peer in self._read(key.removeprefix(prefix), entry, f"{place}/{key}/{index}")
        )

    def _read(self, kind: str, value: Any, place: str) -> list[Peer]:
        read = self._readers.get(kind)
        if read is not None:
            return read(value, place)
        doubt = "nodes and groups of providers are not evaluated"
        return [Peer(place, entity=Entity(doubt=doubt), words=kind.lower(), pods_only=True)]

    def _endpoints(self, value: Any, place: str) -> list[Peer]:
        found = expression(self.reader, value, place)
        keys = list(conditions(found))
        reserved = [c.key.removeprefix("reserved:") for c in keys if c.key.startswith("reserved:")]
        if reserved:
            return [peer for name in reserved for peer in self._entity(name, place)]
        spaces = [entry for entry in keys if entry.source == "namespace"]
        named = any(entry.key == NAME_LABEL for entry in spaces)
        if self._namespace and not spaces and not named:
            own = Condition("namespace", NAME_LABEL, "==", (self._namespace,))
            found = both(own, found)
        return [_pods(place, found, _said(value))]

    def _entity(self, value: Any, place: str) -> list[Peer]:
        match value:
            case "all":
                return [Peer(place, entity=Entity(), words="everyone")]
            case "world" | "world-ipv4" | "world-ipv6":
                return [self._world(place, _FAMILIES.get(value, 0))]
            case "cluster" | "cluster-mesh":
                everyone = _pods(place, Constant(value=True), "every pod")
                return [everyone, self._around.nodes_peer(place, Selector())]
            case "host" | "remote-node":
                peer = self._around.nodes_peer(place, Selector())
                return [msgspec.structs.replace(peer, doubt="which node is meant is not known")]
            case "kube-apiserver":
                return self._api_server(place)
        if value not in _ABSENT:
            self.reader.problem(place, f"{value!r} is none of {', '.join(_ENTITIES)}")
        return [Peer(place, entity=_NOBODY, words=str(value), pods_only=True)]

    def _world(self, place: str, family: int) -> Peer:
        hosts = self._around.node_ranges
        ranges = [entry for entry in EVERYWHERE if family in (0, entry.family)]
        block = Block("the internet", (), without(ranges, hosts))
        return Peer(place, block=block, block_of="outside")

    def _api_server(self, place: str) -> list[Peer]:
        doubt = "the address of the API server is not known"
        block = Block("the API server", (), EVERYWHERE)
        nodes = self._around.nodes_peer(place, Selector())
        return [
            Peer(place, block=block, block_of="outside", doubt=doubt),
            msgspec.structs.replace(nodes, doubt=doubt),
        ]

    def _cidr(self, value: Any, place: str) -> list[Peer]:
        return [self._block(place, [self._range(value, place)], [], str(value))]

    def _range(self, value: Any, place: str) -> AddressRange | None:
        try:
            return any_range(value)
        except ValueError as error:
            self.reader.problem(place, str(error))
            return None

    def _block(
        self, place: str, ranges: list[AddressRange | None], holes: list[Any], text: str
    ) -> Peer:
        """Addresses without holes and without nodes, which have an identity of their own."""
        hosts = self._around.node_ranges if not self._around.cidrs_mean_nodes else ()
        outside = [self._range(hole, place) for hole in holes]
        left = [entry for entry in [*outside, *hosts] if entry is not None]
        block = Block(text, tuple(map(str, holes)), without([r for r in ranges if r], left))
        return Peer(place, block=block, block_of="outside")

    def _cidr_set(self, value: Any, place: str) -> list[Peer]:
        known = ("cidr", "cidrGroupRef", "cidrGroupSelector", "except")
        fields = self.reader.object(value, place, known)
        holes = self.reader.array(fields.get("except"), f"{place}/except")
        if sum(fields.get(key) is not None for key in known[:3]) != 1:
            self.reader.problem(place, f"exactly one of {', '.join(known[:3])} must be set")
        if fields.get("cidr") is not None:
            cidr = self._range(fields["cidr"], place)
            self._inside(cidr, holes, place)
            return [self._block(place, [cidr], holes, str(fields["cidr"]))]
        groups = self._groups(fields)
        ranges = [self._range(entry, place) for group in groups for entry in group.cidrs]
        peer = self._block(place, ranges, holes, "a group of CIDRs")
        if groups:
            return [peer]
        block = Block("a group of CIDRs", (), EVERYWHERE)
        doubt = "the group of CIDRs is not in the input"
        return [Peer(place, block=block, block_of="outside", doubt=doubt)]

    def _inside(self, cidr: AddressRange | None, holes: list[Any], place: str) -> None:
        for hole in holes:
            found = self._range(hole, place)
            if cidr and found and not (cidr.low <= found.low and found.high <= cidr.high):
                self.reader.problem(place, f"except {hole!r} is not inside the CIDR")

    def _groups(self, fields: dict[str, Any]) -> list[Any]:
        name, selector = fields.get("cidrGroupRef"), fields.get("cidrGroupSelector")
        if name is not None:
            return [group for group in self._around.cidr_groups if group.name == name]
        try:
            chosen = parse_selector(selector) or Selector()
        except InvalidSelectorError:
            return []
        return [group for group in self._around.cidr_groups if chosen.matches(group.labels)]

    def _domain(self, value: Any, place: str) -> list[Peer]:
        fields = self.reader.object(value, place, ("matchName", "matchPattern"))
        name = fields.get("matchName") or fields.get("matchPattern")
        if not isinstance(name, str):
            self.reader.problem(place, "either matchName or matchPattern must be set")
        return [self._around.domain_peer(place, str(name))]

    def _service(self, value: Any, place: str) -> list[Peer]:
        """The pods behind Services; what has no selector is not known."""
        fields = self.reader.object(value, place, ("k8sService", "k8sServiceSelector"))
        found = [s for s in self._around.services.values() if self._means(fields, s)]
        peers = [_behind(place, service) for service in found if service.selector]
        if peers and len(peers) == len(found):
            return peers
        doubt = "the endpoints of the Service are not in the input"
        return [*peers, Peer(place, entity=Entity(doubt=doubt), words="Services")]

    def _means(self, fields: dict[str, Any], service: Service) -> bool:
        named, chosen = mapping(fields.get("k8sService")), mapping(fields.get("k8sServiceSelector"))
        wanted = strings(named or chosen).get("namespace") or self._namespace
        if wanted and service.manifest.namespace != wanted:
            return False
        if named:
            return bool(named.get("serviceName") == service.manifest.name)
        try:
            selector = parse_selector(chosen.get("selector")) or Selector()
        except InvalidSelectorError:
            return False
        return selector.matches(service.manifest.labels)


def _behind(place: str, service: Service) -> Peer:
    own = Condition("namespace", NAME_LABEL, "==", (service.manifest.namespace,))
    pods = both(own, of_selector(match_labels(service.selector), "pod"))
    return _pods(place, pods, f"endpoints of {service.manifest.ref}")


def _pods(place: str, found: Expression, words: str) -> Peer:
    return Peer(place, entity=Entity(Group(found)), words=words, pods_only=True)


def _said(value: Any) -> str:
    labels = strings(mapping(value).get("matchLabels"))
    parts = [f"{key}={text}" for key, text in sorted(labels.items())]
    for entry in sequence(mapping(value).get("matchExpressions")):
        fields = mapping(entry)
        values = ", ".join(map(str, sequence(fields.get("values"))))
        parts.append(f"{fields.get('key')} {fields.get('operator')} {values}".rstrip())
    return f"pods with {' and '.join(parts)}" if parts else "every pod"
