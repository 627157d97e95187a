# SPDX-License-Identifier: Apache-2.0
"""Which other namespaces can open a workload as a whole, and who there is meant?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from kguard.layers.network.facts.summary import Served
from kguard.layers.network.facts.words import peer_words, rule_words
from kguard.layers.network.intent.model import Flow
from kguard.layers.network.semantics.cluster import Cluster
from kguard.layers.network.semantics.policy import Peer, PodPolicy, Rule
from kguard.model.facts.common import Evidence
from kguard.model.facts.network import Opening


class Openings:
    """Finds rules that admit every pod of another namespace."""

    def __init__(
        self, cluster: Cluster, flows: Sequence[Flow], served: Sequence[list[Served]]
    ) -> None:
        self._cluster = cluster
        self._served = served
        self._rules: dict[int, tuple[list[Peer], str]] = {}
        self._sources: dict[int, list[Flow]] = {}
        for flow in flows:
            if flow.target.kind == "workload":
                self._sources.setdefault(flow.target.index, []).append(flow)

    def of(self, index: int) -> list[Opening]:
        """What each such rule opens of a workload, by the words for the peer."""
        found: dict[str, Opening] = {}
        reach = self._cluster.reach
        for number in reach.row_of("ingress", index).policies:
            policy = reach.policies[number]
            for rule in policy.rules("ingress"):
                for opening in self._of_rule(index, policy, rule):
                    found.setdefault(opening.who, opening)
        return [found[who] for who in sorted(found)]

    def _of_rule(self, index: int, policy: PodPolicy, rule: Rule) -> Iterator[Opening]:
        wide, words = self._wide(policy, rule)
        ports = self._ports(index, rule) if wide else []
        for peer in wide if ports else ():
            left = [str(p) for p in ports if not self._denied(index, peer, policy, p)]
            if not left:
                continue
            place = Evidence(policy.id, peer.pointer, f"admits {words}")
            who = peer_words(peer, policy.namespace)
            yield Opening(who, left, self._meant(index, peer, policy), [place])

    def _wide(self, policy: PodPolicy, rule: Rule) -> tuple[list[Peer], str]:
        """The peers of a rule that are other namespaces as a whole, and the rule in words."""
        found = self._rules.get(id(rule))
        if found is None:
            named = rule.peers if rule.action == "allow" else ()
            peers = [p for p in named if _whole_namespaces(p) and not self._is_known(p, policy)]
            words = "; ".join(rule_words(rule, policy.namespace)) if peers else ""
            found = self._rules[id(rule)] = (peers, words)
        return found

    def _is_known(self, peer: Peer, policy: PodPolicy) -> bool:
        """Whether the peer is the whole cluster, or nothing but the namespace of the policy."""
        reach = self._cluster.reach
        mask = reach.peer("ingress", peer, policy.namespace).may & reach.classes.everything
        stranger = reach.classes.of_endpoint[self._cluster.stranger]
        return bool(mask >> stranger & 1) or not mask & ~reach.classes.in_namespace(
            policy.namespace
        )

    def _ports(self, index: int, rule: Rule) -> list[Served]:
        """The ports that the rule opens, apart from those that pods of unknown places need."""
        reach = self._cluster.reach
        spoken = reach.speaks("ingress", rule, reach.classes.of_endpoint[index])
        loose = {
            (flow.protocol, flow.port)
            for flow in self._sources.get(index, [])
            if flow.source.kind != "workload"
        }
        return [
            port
            for port in self._served[index]
            if spoken & reach.ports.of_port(port.protocol, port.number)
            and (port.protocol, port.number) not in loose
        ]

    def _denied(self, index: int, peer: Peer, policy: PodPolicy, port: Served) -> bool:
        """Whether policies of another kind keep some of the peer out all the same."""
        if not self._cluster.others:
            return False
        reach = self._cluster.reach
        mask = reach.peer("ingress", peer, policy.namespace).may
        number = reach.classes.of_endpoint[index]
        allowed = reach.open_ports("ingress", number, lambda peers: not mask & ~peers)
        return not allowed.may & reach.ports.of_port(port.protocol, port.number)

    def _meant(self, index: int, peer: Peer, policy: PodPolicy) -> list[str]:
        reach = self._cluster.reach
        mask = reach.peer("ingress", peer, policy.namespace).may
        return sorted(
            {
                flow.source.name
                for flow in self._sources.get(index, [])
                if flow.source.kind == "workload"
                and mask >> reach.classes.of_endpoint[flow.source.index] & 1
            }
        )


def _whole_namespaces(peer: Peer) -> bool:
    whole = peer.pods is None or peer.pods.is_empty
    return peer.block is None and peer.namespaces is not None and whole
