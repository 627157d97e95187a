# SPDX-License-Identifier: Apache-2.0
"""How is a blocked connection let through, and outgoing traffic restricted to what is meant?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from kguard.layers.network.intent import Flow, Party
from kguard.layers.network.intent.plumbing import DNS_PORT, NODE_LOCAL, dns_of
from kguard.layers.network.remedy.groups import Wanted, given_labels, policies
from kguard.layers.network.remedy.isolate import ends, wide_rules, without_rules
from kguard.layers.network.remedy.peers import RESOLVERS, network_policy, rules
from kguard.layers.network.remedy.scene import Scene
from kguard.layers.network.semantics.policy import PodPolicy, Rule
from kguard.model.facts import network as facts
from kguard.model.findings import Finding
from kguard.model.manifests import JsonObject
from kguard.model.remedies import Create, Proposal, Refused, RemedyRequest

_Place = tuple[str, int]
"""`ingress` or `egress`, and the workload (index)."""


def allow_flow(request: RemedyRequest) -> Iterator[Proposal]:
    """Admit intended connections that policies block, on the side that blocks them."""
    scene = Scene(request)
    wanted = {finding.path: finding for finding in request.findings}
    groups: dict[_Place, list[tuple[Flow, Finding]]] = {}
    for flow in scene.flows:
        said = _said(request.facts.flows, flow, scene)
        finding = wanted.get(f"{said.source} > {said.target}:{said.port}") if said else None
        if said is None or finding is None:
            continue
        for place in _places(said, flow):
            groups.setdefault(place, []).append((flow, finding))
    for (direction, index), entries in sorted(groups.items(), key=lambda group: group[0]):
        closes = {finding.fingerprint for _, finding in entries}
        parties = [flow.source if direction == "ingress" else flow.target for flow, _ in entries]
        named = {index, *(party.index for party in parties if party.index >= 0)}
        yield from given_labels(scene, dict.fromkeys(named, closes))
        yield admission(scene, direction, index, entries)


def _said(flows: Sequence[facts.Flow], flow: Flow, scene: Scene) -> facts.Flow | None:
    key = (_name(flow.source, scene), _name(flow.target, scene), f"{flow.port}/{flow.protocol}")
    return next((f for f in flows if (f.source, f.target, f.port) == key), None)


def _name(party: Party, scene: Scene) -> str:
    if party.kind == "workload":
        return f"{scene.workloads[party.index].namespace}/{party.name}"
    return party.name


def _places(said: facts.Flow, flow: Flow) -> Iterator[_Place]:
    if said.cut_by in ("target", "both") and flow.target.index >= 0:
        yield "ingress", flow.target.index
    if said.cut_by in ("source", "both") and flow.source.index >= 0:
        yield "egress", flow.source.index


def admission(
    scene: Scene, direction: str, index: int, entries: Sequence[tuple[Flow, Finding]]
) -> Create:
    """A policy that admits connections to or from one workload."""
    workload = scene.workloads[index]
    field, kind = ("from", "Ingress") if direction == "ingress" else ("to", "Egress")
    flows = [flow for flow, _ in entries]
    admitted = rules(flows, field, workload.namespace, scene.labels)
    name = scene.name(workload.namespace, f"{workload.name}-intended-{direction}")
    others = {(f.source if direction == "ingress" else f.target).name for f in flows}
    verb = "be opened by" if direction == "ingress" else "open"
    return Create(
        object=network_policy(
            name,
            workload.namespace,
            {"matchLabels": scene.labels.of(index)},
            {"policyTypes": [kind], direction: admitted},
        ),
        closes=tuple(sorted({finding.fingerprint for _, finding in entries})),
        why=f"{workload.name} must {verb} {', '.join(sorted(others))}",
    )


def restrict_egress(request: RemedyRequest) -> Iterator[Proposal]:
    """Admit only the outgoing connections that the input shows; only on the user's word."""
    if not request.tighten:
        yield Refused(
            findings=tuple(finding.fingerprint for finding in request.findings),
            reason=(
                "what else these workloads connect to, no manifest tells;"
                " --tighten admits only what is declared"
            ),
            counterexample="an address that is written in code or in a Secret would be cut off",
        )
        return
    scene = Scene(request)
    wanted: list[Wanted] = []
    edits: dict[str, tuple[PodPolicy, list[Rule], list[str]]] = {}
    for index, closes in scene.by_workload(request.findings).items():
        wanted.append(_declared(scene, index, tuple(closes)))
        for policy, rule in wide_rules(scene, "egress", index):
            entry = edits.setdefault(policy.id, (policy, [], []))
            entry[1].append(rule)
            entry[2].extend(closes)
    yield from given_labels(scene, ends(scene, "egress", wanted))
    yield from policies(scene, "egress", wanted)
    for policy, wide, closed in edits.values():
        yield from without_rules(scene, policy, wide, closed)


def _declared(scene: Scene, index: int, closes: tuple[str, ...]) -> Wanted:
    workload = scene.workloads[index]
    flows = scene.out_of(index)
    if not any(flow.basis == "dns" for flow in flows):
        flows += dns_of(scene.names, index)
    admitted = rules(flows, "to", workload.namespace, scene.labels)
    if any(flow.basis == "dns" and flow.target.kind == "pods" for flow in flows):
        admitted.append(_resolvers(scene, index))
    names = sorted({flow.target.name for flow in flows})
    return Wanted(index, admitted, closes, tuple(names))


def _resolvers(scene: Scene, index: int) -> JsonObject:
    """Where nothing tells how pods reach DNS, nodes may answer for it at link-local addresses."""
    whole = scene.reaches_metadata(index)
    blocks = [{"ipBlock": {"cidr": cidr}} for cidr in RESOLVERS if whole or cidr in NODE_LOCAL]
    ports = [{"protocol": protocol, "port": DNS_PORT} for protocol in ("TCP", "UDP")]
    return {"to": blocks, "ports": ports}
