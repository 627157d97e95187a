# SPDX-License-Identifier: Apache-2.0
"""How far are workloads open to pods and namespaces that are not in the input?

Each pair of selectors that rules name stands for all pods that it would select: a representative
peer. Authority for the form and the readings: np-guard/netpol-analyzer docs/exposure_analysis.md
and pkg/netpol/eval/internal/k8s/representative_selectors.go (a rule speaks of a representative
peer if it selects everything or has the very same selectors); peers by labels that real pods have
are left out, those by expressions are not.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import Any

import msgspec

from kguard.inventory.selectors import Requirement, Selector
from kguard.layers.network.connections import named_ends
from kguard.layers.network.rows import ConnectionRow, Focus, listed
from kguard.layers.network.semantics.cluster import Cluster
from kguard.layers.network.semantics.endpoints import NAME_LABEL
from kguard.layers.network.semantics.policy import (
    DIRECTIONS,
    Direction,
    Peer,
    PodPolicy,
    Rule,
    Tier,
)
from kguard.layers.network.semantics.ports import PROTOCOLS, PortSpan
from kguard.model.manifests import Manifest, mapping, sequence

ENTIRE_CLUSTER = "entire-cluster"
_OUTSIDE = "[External]"


class Exposure(msgspec.Struct, frozen=True):
    """Rows between workloads and representative peers, the cluster as a whole, and addresses."""

    rows: tuple[ConnectionRow, ...]
    """The possible connections of what is in the input."""
    egress: tuple[ConnectionRow, ...]
    ingress: tuple[ConnectionRow, ...]
    unprotected: tuple[str, ...]
    """`NAME is not protected on Ingress`: no policy selects it in that direction."""


class _Said(msgspec.Struct, frozen=True):
    """Ports by number (atoms) and, towards pods nobody knows, by name."""

    atoms: int = 0
    names: frozenset[tuple[str, str]] = frozenset()
    all: bool = False

    def __or__(self, other: _Said) -> _Said:
        """The union; names that came first are kept beside all ports."""
        if self.all:
            return self
        names = self.names | other.names
        return _Said(self.atoms | other.atoms, names, other.all and not names)

    def inside(self, other: _Said) -> bool:
        """Whether the other one has all of these, and as many names."""
        if self.all or other.all:
            return other.all
        return not self.atoms & ~other.atoms and self.names == other.names

    def __bool__(self) -> bool:
        return bool(self.atoms or self.names)


class _Representative(msgspec.Struct, frozen=True, order=True):
    """All pods that two selectors select; None stands for every pod."""

    namespaces: Selector
    pods: Selector | None
    own: bool = False
    """Whether the rule names no namespaces and means those of its policy."""


def exposure(cluster: Cluster) -> Exposure:
    """What selectors open to pods that are not in the input, sorted."""
    rows = listed(cluster, Focus()).rows
    finder = _Finder(cluster)
    found: dict[Direction, list[ConnectionRow]] = {"ingress": [], "egress": []}
    open_ends = []
    exposed: set[str] = set()
    for direction in DIRECTIONS:
        for name, index in named_ends(cluster).items():
            peers = [
                _row(direction, name, peer, text) for peer, text in finder.of(direction, index)
            ]
            found[direction] += peers
            exposed |= {name} if peers else set()
            if not finder.protected(direction, index):
                open_ends.append(f"{name} is not protected on {direction.capitalize()}")
    for direction, sections in found.items():
        sections += [row for row in rows if _own_end(row, direction) in exposed]
    return Exposure(
        rows=rows,
        egress=tuple(sorted(found["egress"])),
        ingress=tuple(sorted(found["ingress"], key=lambda row: (row.dst, row.src, row.conn))),
        unprotected=tuple(sorted(open_ends)),
    )


def _own_end(row: ConnectionRow, direction: Direction) -> str:
    """The workload of a row with an address; empty for another row."""
    own, far = (row.dst, row.src) if direction == "ingress" else (row.src, row.dst)
    return own if far.endswith(_OUTSIDE) else ""


def _row(direction: Direction, name: str, peer: str, text: str) -> ConnectionRow:
    ends = (peer, name) if direction == "ingress" else (name, peer)
    return ConnectionRow(*ends, text)


class _Finder:
    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._reach = cluster.reach
        self._everything = _Said(self._reach.ports.everything, all=True)
        self._loose = cluster.profile.first_named_port
        self._words: dict[_Representative, str] = {}
        for policy in sorted(self._reach.policies, key=lambda p: (p.namespace, p.name)):
            for peer in _selecting_peers(policy):
                key = _representative(peer, policy.namespace)
                if key in self._words or _is_everyone(key):
                    continue
                written = self._written(policy, peer)
                if _has_conditions(written) or not self._is_real(key):
                    self._words[key] = _name(written, peer, policy.namespace)

    def protected(self, direction: Direction, index: int) -> bool:
        """Whether a policy selects the endpoint in a direction."""
        return bool(self._reach.row_of(direction, index).policies)

    def of(self, direction: Direction, index: int) -> Iterator[tuple[str, str]]:
        """Peers that are not in the input, with the ports: the cluster, representatives."""
        if not self.protected(direction, index):
            yield ENTIRE_CLUSTER, self._text(self._everything)
            return
        tiered = self._tiers(direction, index)
        said = self._ordered if len(tiered) > 1 or tiered[0][0].end != "deny" else self._joined
        whole = said(direction, index, None)
        if whole:
            yield ENTIRE_CLUSTER, self._text(whole)
        for peer, name in self._words.items():
            found = said(direction, index, peer)
            # Under tiers a peer can have less than the whole cluster: that is worth a row.
            less = said == self._ordered and found != whole
            if less or (found and not found.inside(whole)):
                yield name, self._text(found)

    def _tiers(self, direction: Direction, index: int) -> list[tuple[Tier, list[PodPolicy]]]:
        numbers = self._reach.row_of(direction, index).policies
        chosen = sorted((self._reach.policies[n] for n in numbers), key=lambda p: p.rank)
        return [(tier, list(group)) for tier, group in groupby(chosen, key=lambda p: p.tier)]

    def _joined(self, direction: Direction, index: int, peer: _Representative | None) -> _Said:
        """What NetworkPolicies admit together."""
        found = _Said()
        for number in self._reach.row_of(direction, index).policies:
            policy = self._reach.policies[number]
            for rule in policy.rules(direction):
                if _speaks_of(rule, policy.namespace, peer):
                    found |= self._ports(direction, rule, index, whole=peer is None)
        return found

    def _ordered(self, direction: Direction, index: int, peer: _Representative | None) -> _Said:
        """What tiers of policies, asked in order, allow in the end."""
        names = sorted({name for p in self._reach.policies for name in _port_names(p, direction)})
        shift = self._reach.ports.everything.bit_length()
        whole = self._reach.ports.everything
        left, allowed = (1 << shift + len(names)) - 1, 0
        for tier, policies in self._tiers(direction, index):
            passed = 0
            for policy in policies:
                for rule in policy.rules(direction):
                    if not _speaks_of(rule, policy.namespace, peer):
                        continue
                    said = self._ports(direction, rule, index, whole=peer is None)
                    bits = sum(1 << shift + names.index(entry) for entry in said.names)
                    hit = left & (whole if said.all else said.atoms | bits)
                    allowed |= hit if rule.action == "allow" else 0
                    passed |= hit if rule.action == "pass" else 0
                    left &= ~hit
            left = passed | (0 if tier.end == "deny" else left)
        allowed |= left & whole
        atoms = allowed & whole
        if atoms == whole:
            return self._everything
        kept = (name for bit, name in enumerate(names) if allowed >> shift + bit & 1)
        return _Said(atoms, frozenset(kept))

    def _ports(self, direction: Direction, rule: Rule, index: int, *, whole: bool) -> _Said:
        if not rule.ports:
            return self._everything
        atoms, names = 0, set()
        for term in rule.ports:
            resolved = 0
            if not term.name:
                resolved = self._reach.ports.of_span(PortSpan(term.protocol, term.low, term.high))
            elif direction == "ingress":
                resolved = self._reach.named_ports(term, self._reach.endpoints[index])
            if term.name and not resolved and (direction == "egress" or (self._loose and whole)):
                names.add((term.protocol, term.name))
            atoms |= resolved
        return _Said(atoms, frozenset(names))

    def _text(self, said: _Said) -> str:
        if said.all or not said.names:
            return self._reach.ports.text(said.atoms)
        words = []
        for protocol in ("", *PROTOCOLS):
            spans = [s for s in self._reach.ports.spans(said.atoms) if s.protocol == protocol]
            ports = [str(span).partition(" ")[2] for span in spans]
            ports += sorted(name for of, name in said.names if of == protocol)
            words += [f"{protocol} {','.join(ports)}".strip()] if ports else []
        return ",".join(words)

    def _is_real(self, key: _Representative) -> bool:
        """Whether a workload of the input has the labels that a peer is known by."""
        if key.pods is None or key.namespaces.is_empty:
            return False
        pods = self._reach.classes.pods(key.pods) & self._reach.classes.namespaces(key.namespaces)
        known = range(len(self._cluster.workloads))
        return any(pods.must >> self._reach.classes.of_endpoint[n] & 1 for n in known)

    def _written(self, policy: PodPolicy, peer: Peer) -> dict[str, Any]:
        manifest = self._cluster.inventory.by_id(policy.id)
        found = _at(manifest.object, peer.pointer) if isinstance(manifest, Manifest) else {}
        # Cluster-wide policies write the selectors one level deeper.
        return {"namespaceSelector": found} if peer.pointer.endswith("/namespaces") else found


def _name(written: dict[str, Any], peer: Peer, namespace: str) -> str:
    space = namespace
    if peer.namespaces is not None:
        space = _namespace_name(mapping(written.get("namespaceSelector")), peer.namespaces)
    pods = _selector(mapping(written.get("podSelector")))
    return f"{space}/[pod with {{{pods}}}]" if pods else f"{space}/[all pods]"


def _has_conditions(written: dict[str, Any]) -> bool:
    """Whether a peer is known by expressions, not by labels alone."""
    selectors = (mapping(written.get(field)) for field in ("podSelector", "namespaceSelector"))
    return any(selector.get("matchExpressions") for selector in selectors)


def _selecting_peers(policy: PodPolicy) -> Iterator[Peer]:
    """Peers by selectors, of rules that do not admit the whole cluster."""
    for direction in DIRECTIONS:
        for rule in policy.rules(direction):
            if not _speaks_of(rule, policy.namespace, None):
                yield from (peer for peer in rule.peers if peer.block is None)


def _port_names(policy: PodPolicy, direction: Direction) -> Iterator[tuple[str, str]]:
    for rule in policy.rules(direction):
        yield from ((term.protocol, term.name) for term in rule.ports if term.name)


def _representative(peer: Peer, namespace: str) -> _Representative:
    own = Selector((Requirement(NAME_LABEL, "In", (namespace,)),))
    pods = peer.pods if peer.pods and not peer.pods.is_empty else None
    if peer.namespaces is None:
        return _Representative(own, pods, own=True)
    return _Representative(peer.namespaces, pods)


def _is_everyone(key: _Representative) -> bool:
    return key.namespaces.is_empty and key.pods is None


def _speaks_of(rule: Rule, namespace: str, peer: _Representative | None) -> bool:
    """Whether a rule selects all pods that a representative stands for (None: the cluster)."""
    if rule.admits_everyone:
        return True
    named = [_representative(entry, namespace) for entry in rule.peers if entry.block is None]
    if peer is None:
        return any(_is_everyone(entry) for entry in named)
    return any(
        (entry.namespaces.is_empty or entry.namespaces == peer.namespaces)
        and (peer.own or not entry.own)
        and (entry.pods is None or entry.pods == peer.pods)
        for entry in named
    )


def _at(value: Any, pointer: str) -> dict[str, Any]:
    for step in pointer.split("/")[1:]:
        value = value[int(step)] if isinstance(value, list) else mapping(value).get(step)
    return mapping(value)


def _namespace_name(written: dict[str, Any], selector: Selector) -> str:
    labels = mapping(written.get("matchLabels"))
    if set(labels) == {NAME_LABEL} and not written.get("matchExpressions"):
        return str(labels[NAME_LABEL])
    text = "all namespaces" if selector.is_empty else f"namespace with {{{_selector(written)}}}"
    return f"[{text}]"


def _selector(written: dict[str, Any]) -> str:
    """A selector as Go prints it: labels by name, then conditions in the order of their text."""
    labels = [f"{key}={value or ''}" for key, value in mapping(written.get("matchLabels")).items()]
    conditions = (
        f"{{Key:{entry.get('key')},Operator:{entry.get('operator')},"
        f"Values:[{' '.join(map(str, sequence(entry.get('values'))))}],}}"
        for entry in map(mapping, sequence(written.get("matchExpressions")))
    )
    return ",".join([*sorted(labels), *sorted(conditions)])


def as_json(found: Exposure) -> str:
    """The rows and both sections, as lists of objects."""
    document = {
        "connlist_results": found.rows,
        "exposure_results": {
            "egress_exposure": found.egress,
            "ingress_exposure": found.ingress,
            "unprotected": found.unprotected,
        },
    }
    return msgspec.json.format(msgspec.json.encode(document), indent=2).decode() + "\n"


def as_text(found: Exposure) -> str:
    """The rows, then the exposure in sections, names in columns."""
    ends = [row.src for row in found.egress] + [row.dst for row in found.ingress]
    width = max(map(len, ends), default=0)
    sections = [
        "".join(f"{row}\n" for row in found.rows),
        _section("Egress Exposure:", (_line(r.src, "=>", r.dst, r, width) for r in found.egress)),
        _section("Ingress Exposure:", (_line(r.dst, "<=", r.src, r, width) for r in found.ingress)),
        _section("Workloads not protected by network policies:", found.unprotected),
    ]
    if sections[1] or sections[2]:
        sections[1] = f"Exposure Analysis Result:\n{sections[1]}"
    return "\n".join(filter(None, sections))


def _line(own: str, arrow: str, peer: str, row: ConnectionRow, width: int) -> str:
    return f"{own:{width}} \t{arrow} \t{peer} : {row.conn}"


def _section(title: str, lines: Iterable[str]) -> str:
    text = "".join(f"{line}\n" for line in lines)
    return f"{title}\n{text}" if text else ""
