# SPDX-License-Identifier: Apache-2.0
"""Are the intended connections possible under all policies together?"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Literal

from kguard.layers.network.facts.summary import Openness, Test
from kguard.layers.network.facts.words import plugin_words
from kguard.layers.network.intent.components import API_SERVER
from kguard.layers.network.intent.model import Flow, Party
from kguard.layers.network.semantics.addresses import AddressRange, network_range
from kguard.layers.network.semantics.blocks import PRIVATE_IPV4
from kguard.layers.network.semantics.cluster import STRANGER, Cluster
from kguard.layers.network.semantics.endpoints import Endpoint, bits
from kguard.layers.network.semantics.policy import DIRECTIONS, Direction
from kguard.layers.network.semantics.profiles import GENERIC, PLUGINS
from kguard.layers.network.semantics.reach import Ports
from kguard.layers.network.semantics.surroundings import nodes
from kguard.model.facts import network as facts
from kguard.model.facts.common import Evidence
from kguard.model.facts.network import Verdict
from kguard.model.manifests import Manifest, ObjectRef

CutBy = Literal["nothing", "source", "target", "both"]


_USUAL: dict[tuple[tuple[str, str], ...], dict[str, str]] = {
    (("istio", "ingressgateway"),): {"app": "istio-ingressgateway"},
}
"""Labels that pods usually carry besides those by which a flow knows them."""


class Parties:
    """The pods that flows name by labels and that are not in the input, as hypothetical ones.

    Each is there twice: as the one that policies select, with the labels that its makers give it,
    and as a peer, which may carry other labels besides.
    """

    def __init__(self, flows: Sequence[Flow]) -> None:
        self.extra: list[Endpoint] = []
        self.marks: list[AddressRange] = []
        """Addresses of flows, which answers must tell apart."""
        self._extra: dict[Party, int] = {}
        everyone = {p for flow in flows for p in (flow.source, flow.target)}
        for party in sorted(p for p in everyone if p.kind != "workload"):
            self.marks += [network_range(cidr) for cidr in party.cidrs]
            for entry in (party, *party.candidates):
                if entry.kind == "pods" and entry not in self._extra:
                    self._extra[entry] = len(self.extra)
                    self.extra += _hypothetical(entry)

    def subjects(self, party: Party, cluster: Cluster) -> list[int]:
        """The endpoints whose restrictions count for a party; none for what is no pod."""
        if party.kind == "workload":
            return [party.index]
        return [cluster.first_extra + self._extra[party]] if party.kind == "pods" else []

    def peers(self, party: Party, cluster: Cluster) -> list[int]:
        """The endpoints that rules must mean by a party."""
        if party.kind == "workload":
            return [party.index]
        return [index + 1 for index in self.subjects(party, cluster)]


def _hypothetical(party: Party) -> tuple[Endpoint, Endpoint]:
    labels = {**_USUAL.get(party.labels, {}), **dict(party.labels)}
    place = party.namespace or STRANGER
    return Endpoint(place, labels), Endpoint(place, labels, labels_known=False)


def judged(
    flows: Sequence[Flow],
    parties: Parties,
    openness: Openness,
    under: Callable[[str], Openness],
) -> list[facts.Flow]:
    """Every intended connection with its verdict, sorted.

    `under` gives the answers of a plugin; it is asked where nobody knows which plugin runs, and
    a verdict is open.
    """
    judge = _Judge(parties, openness)
    found = [judge.flow(flow) for flow in flows]
    unsure = [n for n, flow in enumerate(found) if flow.verdict == "unknown"]
    if unsure and openness.cluster.profile == GENERIC:
        judges = {plugin: _Judge(parties, under(plugin)) for plugin in PLUGINS}
        for number in unsure:
            found[number].depends = _under_each(judges, flows[number])
    return sorted(found, key=_order)


def _under_each(judges: Mapping[str, _Judge], flow: Flow) -> str:
    verdicts: dict[Verdict, list[str]] = {}
    for plugin, judge in judges.items():
        verdicts.setdefault(judge.flow(flow).verdict, []).append(plugin)
    return plugin_words(verdicts)


def _order(flow: facts.Flow) -> tuple[str, ...]:
    return (flow.ref.namespace, flow.source, flow.target, flow.port, flow.basis)


class _Judge:
    def __init__(self, parties: Parties, openness: Openness) -> None:
        self._parties = parties
        self._openness = openness
        self._cluster: Cluster = openness.cluster
        self._refs = [workload.ref for workload in self._cluster.workloads]
        self._names = [f"{ref.namespace}/{ref.name}" for ref in self._refs]
        found = nodes(self._cluster.inventory.of("Node")) or ()
        self._nodes = [entry for node in found for entry in node.addresses] or PRIVATE_IPV4
        self._some = {d: _some_address(d, openness.cluster) for d in DIRECTIONS}

    def flow(self, flow: Flow) -> facts.Flow:
        out = self._side("egress", flow.source, flow.target, flow)
        into = self._side("ingress", flow.target, flow.source, flow)
        return facts.Flow(
            source=self._name(flow.source),
            target=self._name(flow.target),
            port=f"{flow.port}/{flow.protocol}",
            basis=flow.basis,
            verdict=_both(out, into),
            cut_by=_cut_by(out, into),
            ref=self._ref(flow),
            because=[*self._policies(flow, out, into), _shown(flow.because)],
        )

    def _name(self, party: Party) -> str:
        return self._names[party.index] if party.kind == "workload" else party.name

    def _ref(self, flow: Flow) -> ObjectRef:
        party = flow.source if flow.source.kind == "workload" else flow.target
        if party.index >= 0:
            return self._refs[party.index]
        shown = self._cluster.inventory.by_id(flow.because.ref)
        return shown.ref if isinstance(shown, Manifest) else ObjectRef()

    def _side(self, direction: Direction, own: Party, other: Party, flow: Flow) -> Verdict:
        """The verdict of one end; ends that are not pods restrict nothing."""
        if own.kind == "workload":
            return self._endpoint(direction, own.index, other, flow)
        mine = self._parties.subjects(own, self._cluster)
        verdicts = {self._endpoint(direction, index, other, flow) for index in mine}
        if not verdicts or verdicts == {"allowed"}:
            return "allowed"
        return "blocked" if verdicts == {"blocked"} else "unknown"

    def _endpoint(self, direction: Direction, index: int, other: Party, flow: Flow) -> Verdict:
        reach = self._cluster.reach
        number = reach.classes.of_endpoint[index]
        row = reach.row(direction, number)
        if not (row.isolated or row.opaque):
            return "allowed"
        if other.kind == "workload":
            peer = reach.classes.of_endpoint[other.index]
            return self._port(reach.allowed(direction, number, peer), flow)
        if other.kind == "pods":
            peers = self._parties.peers(other, self._cluster)
            found = {
                self._port(reach.allowed(direction, number, reach.classes.of_endpoint[p]), flow)
                for p in peers
            }
            return found.pop() if len(found) == 1 else "unknown"
        if other.kind == "somewhere":
            return self._somewhere(direction, index, other, flow)
        if other.kind == "node":
            return self._own_node(index, flow)
        if other.cidrs:
            return self._addresses(direction, index, other, flow)
        wide = self._openness.ports(direction, index, self._openness.internet(direction))
        outside = self._openness.ports(direction, index, self._some[direction])
        verdict = self._loose(wide, outside, flow)
        if other.name == API_SERVER and direction == "egress" and verdict != "blocked":
            return self._api_server(index, verdict, flow)
        # Who publishes a port to known clients only means it so; the API server has some address.
        deliberate = direction == "ingress" and verdict == "unknown"
        return "allowed" if deliberate and self._port(outside, flow) == "allowed" else verdict

    @cached_property
    def _hosts(self) -> int:
        """The addresses of nodes, as peers of incoming traffic."""
        reach = self._cluster.reach
        return reach.addresses["ingress"].of_ranges(self._nodes) << reach.classes.count

    @cached_property
    def _of_hosts(self) -> tuple[Test, Test]:
        """Whether peers hold all of the nodes' addresses, or some: made once, answers are kept."""
        hosts = self._hosts
        return (lambda peers: not hosts & ~peers), (lambda peers: bool(hosts & peers))

    def _own_node(self, index: int, flow: Flow) -> Verdict:
        """The API admits a pod's own node whatever policies say; plugins may let them deny it."""
        reach, reading = self._cluster.reach, self._cluster.profile.own_node
        if reading == "always":
            return "allowed"
        hosts = self._hosts
        if reading == "by_rules":
            every, some = self._of_hosts
            wide = self._openness.ports("ingress", index, every)
            return self._loose(wide, self._openness.ports("ingress", index, some), flow)
        number = reach.classes.of_endpoint[index]
        verdict: Verdict = "allowed"
        atom = reach.ports.of_port(flow.protocol, flow.port)
        for policy, rule in reach.naming("ingress", number, lambda p: bool(p & hosts), "deny"):
            if reach.speaks("ingress", rule, number) & atom:
                peers = reach.peers("ingress", rule, reach.policies[policy].namespace)
                if not hosts & ~peers.must:
                    return "blocked"
                verdict = "unknown"
        return verdict

    def _api_server(self, index: int, verdict: Verdict, flow: Flow) -> Verdict:
        """The API server may be a node, which blocks do not mean to every plugin."""
        reach = self._cluster.reach
        number = reach.classes.of_endpoint[index]
        atom = reach.ports.of_port(flow.protocol, flow.port)
        for _, rule in reach.naming("egress", number, _whoever):
            means = any(peer.block and peer.block.cidr == API_SERVER for peer in rule.peers)
            if means and reach.speaks("egress", rule, number) & atom:
                return "allowed"
        restricted = reach.row("egress", number).isolated
        blind = restricted and not self._cluster.profile.block_matches_nodes
        return "unknown" if blind else verdict

    def _somewhere(self, direction: Direction, index: int, other: Party, flow: Flow) -> Verdict:
        """Whoever admits one of the candidates knows which of them it is."""
        openness, cluster = self._openness, self._cluster
        known = [p for entry in other.candidates for p in self._parties.peers(entry, cluster)]
        for peer in (cluster.stranger, *known):
            found = openness.ports(direction, index, openness.one(peer))
            if self._port(found, flow) == "allowed":
                return "allowed"
        some = openness.ports(direction, index, _whoever)
        return "blocked" if self._port(some, flow) == "blocked" else "unknown"

    def _addresses(self, direction: Direction, index: int, other: Party, flow: Flow) -> Verdict:
        """The verdict on each address block of a host that is no pod."""
        reach = self._cluster.reach
        number = reach.classes.of_endpoint[index]
        verdicts = set()
        for cidr in other.cidrs:
            atoms = reach.addresses[direction].of_range(network_range(cidr))
            for atom in bits(atoms):
                ports = reach.allowed(direction, number, reach.classes.count + atom)
                verdicts.add(self._port(ports, flow))
        return verdicts.pop() if len(verdicts) == 1 else "unknown"

    def _loose(self, wide: Ports, some: Ports, flow: Flow) -> Verdict:
        if self._port(wide, flow) == "allowed":
            return "allowed"
        return "blocked" if self._port(some, flow) == "blocked" else "unknown"

    def _port(self, ports: Ports, flow: Flow) -> Verdict:
        atom = self._cluster.reach.ports.of_port(flow.protocol, flow.port)
        if ports.must & atom:
            return "allowed"
        return "unknown" if ports.may & atom else "blocked"

    def _policies(self, flow: Flow, out: Verdict, into: Verdict) -> list[Evidence]:
        """The policies that isolate the end that blocks."""
        found: list[Evidence] = []
        if out == "blocked":
            found += self._isolating("egress", flow.source)
        if into == "blocked":
            found += self._isolating("ingress", flow.target)
        return found

    def _isolating(self, direction: Direction, party: Party) -> Iterator[Evidence]:
        word = "outgoing" if direction == "egress" else "incoming"
        reach = self._cluster.reach
        for index in self._parties.subjects(party, self._cluster):
            for policy in (reach.policies[n] for n in reach.row_of(direction, index).policies):
                yield Evidence(policy.id, "/spec", f"restricts the {word} traffic of {party.name}")


def _whoever(peers: int) -> bool:
    """Any rule may mean pods that are not in the input."""
    return peers >= 0


def _shown(place: Evidence) -> Evidence:
    """What shows the intent does not decide the verdict."""
    return Evidence(place.ref, place.pointer, place.note, role="related", line=place.line)


def _some_address(direction: Direction, cluster: Cluster) -> Test:
    whole = cluster.reach.addresses[direction].everything << cluster.reach.classes.count
    return lambda mask: bool(mask & whole)


def _both(out: Verdict, into: Verdict) -> Verdict:
    if "blocked" in (out, into):
        return "blocked"
    return "unknown" if "unknown" in (out, into) else "allowed"


def _cut_by(out: Verdict, into: Verdict) -> CutBy:
    if out == into == "blocked":
        return "both"
    if out == "blocked":
        return "source"
    return "target" if into == "blocked" else "nothing"
