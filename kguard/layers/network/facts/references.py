# SPDX-License-Identifier: Apache-2.0
"""Does anything in the input show that somebody needs what a rule admits?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec

from kguard.layers.network.facts.words import peer_words, rule_words
from kguard.layers.network.intent.model import Flow
from kguard.layers.network.semantics.cluster import Cluster
from kguard.layers.network.semantics.endpoints import bits
from kguard.layers.network.semantics.policy import DIRECTIONS, Direction, Peer, PodPolicy, Rule
from kguard.model.facts.common import Evidence
from kguard.model.facts.network import Defect

_MAX_PAIRS = 400
"""Above that, a rule means whole groups of pods: nobody looks for proof of single connections."""
_SHOWN = 3
_SETTINGS = ("environment", "configuration", "outside", "declared", "observed")
"""Bases that show where a workload itself connects to."""


class References:
    """Knows the intended connections by their ends."""

    def __init__(self, cluster: Cluster, flows: Sequence[Flow]) -> None:
        self._cluster = cluster
        self._pairs: dict[tuple[int, int], set[tuple[str, int]]] = {}
        self._speaking = {
            flow.source.index
            for flow in flows
            if flow.basis in _SETTINGS and flow.source.index >= 0
        }
        self._loose: dict[int, set[tuple[str, int]]] = {}
        for flow in flows:
            if flow.source.kind == flow.target.kind == "workload":
                key = (flow.source.index, flow.target.index)
                self._pairs.setdefault(key, set()).add((flow.protocol, flow.port))
            elif flow.target.kind == "workload":
                self._loose.setdefault(flow.target.index, set()).add((flow.protocol, flow.port))
        known = len(cluster.workloads)
        classes = cluster.reach.classes
        self._members = [[n for n in found if n < known] for found in classes.members]

    def unreferenced(self, policy: PodPolicy) -> Iterator[Defect]:
        """Peers of a policy's rules that are in the input, without a sign that they connect."""
        own = self._workloads(self._cluster.reach.subject(policy).may)
        for direction in DIRECTIONS:
            for rule in policy.rules(direction):
                for peer in rule.peers if rule.action == "allow" else ():
                    others = self._named(direction, peer, policy)
                    if others and not self._needed(direction, own, others, rule):
                        yield self._defect(direction, policy, rule, peer, others)

    def _named(self, direction: Direction, peer: Peer, policy: PodPolicy) -> list[int]:
        """The workloads that a peer means by labels of pods; none for whole namespaces."""
        if peer.block is not None or peer.pods is None or peer.pods.is_empty:
            return []
        return self._workloads(self._cluster.reach.peer(direction, peer, policy.namespace).may)

    def _workloads(self, classes: int) -> list[int]:
        known = classes & self._cluster.reach.classes.everything
        return sorted(n for number in bits(known) for n in self._members[number])

    def _needed(self, direction: Direction, own: list[int], others: list[int], rule: Rule) -> bool:
        if len(own) * len(others) > _MAX_PAIRS or set(others) <= set(own):
            return True
        sources, targets = (others, own) if direction == "ingress" else (own, others)
        if not self._speaking.intersection(sources):
            # Who shows no connection at all keeps its settings elsewhere.
            return True
        return any(
            self._spoken(direction, rule, source, target)
            for target in targets
            for source in sources
            if source != target
        )

    def _spoken(self, direction: Direction, rule: Rule, source: int, target: int) -> bool:
        """Whether an intended connection of two workloads is at a port that the rule admits."""
        reach = self._cluster.reach
        own = target if direction == "ingress" else source
        ports = reach.speaks(direction, rule, reach.classes.of_endpoint[own])
        wanted = self._pairs.get((source, target), set()) | self._loose.get(target, set())
        return any(ports & reach.ports.of_port(protocol, port) for protocol, port in wanted)

    def _defect(
        self, direction: Direction, policy: PodPolicy, rule: Rule, peer: Peer, others: list[int]
    ) -> Defect:
        ports = rule_words(msgspec.structs.replace(rule, peers=()), policy.namespace)[0]
        who = peer_words(peer, policy.namespace)
        names = [self._cluster.workloads[index].name for index in others]
        shown = ", ".join(names[:_SHOWN]) + (" ..." if len(names) > _SHOWN else "")
        word = "from" if direction == "ingress" else "to"
        at = ports.removeprefix("everyone ")
        note = f"admits {who} ({shown}) {at}; no setting, route or other object names it"
        place = Evidence(policy.id, peer.pointer, note)
        return Defect(f"{word} {who} {at}", f"{word} {shown} {at}", [place])
