# SPDX-License-Identifier: Apache-2.0
"""Is one connection possible, and which rules of which tier decide that at each end?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal

import msgspec

from kguard.errors import UsageError
from kguard.inventory import Inventory
from kguard.inventory.mesh import Mesh
from kguard.layers.network.facts.words import rule_words
from kguard.layers.network.intent import Names, intended
from kguard.layers.network.semantics.addresses import AddressRange, address
from kguard.layers.network.semantics.cluster import Cluster
from kguard.layers.network.semantics.matching import Decision
from kguard.layers.network.semantics.policy import Direction, PodPolicy, Rule
from kguard.layers.network.semantics.profiles import (
    GENERIC,
    PLUGINS,
    Profile,
    named_profile,
)
from kguard.model.facts.common import Evidence
from kguard.model.facts.network import Verdict

ANY = "any"
"""Any pod of the cluster, in a namespace of its own and without labels."""

End = int | AddressRange
"""An endpoint, or an address outside."""

_DOES = {"allow": "admits", "deny": "denies", "pass": "leaves to the next tier"}


class Step(msgspec.Struct, frozen=True):
    """One thing that has a say: a rule that matches, or a tier that ends."""

    tier: str
    """Empty where no policy has a say."""
    evidence: Evidence


class Side(msgspec.Struct, frozen=True):
    """What one end of a connection says, and why."""

    direction: Direction
    who: str
    verdict: Verdict
    steps: tuple[Step, ...]
    """In the order in which they are asked; the last one decides."""
    otherwise: str
    """Who is asked next if the deciding object were gone; empty where nobody decided."""


class Explanation(msgspec.Struct, frozen=True):
    """Whether a connection is possible."""

    source: str
    target: str
    port: str
    verdict: Verdict
    sides: tuple[Side, ...]
    meant: tuple[Evidence, ...] | None
    """What in the input asks for the connection; None where an end is not in the input."""
    mesh: str
    """What the mesh has to do with the target, in words; empty for no workload of the input."""
    plugins: dict[Verdict, list[str]] = {}
    """Which plugins answer what, where nobody said which one runs and their answers differ."""


class Question(msgspec.Struct, frozen=True):
    """Who wants to open which port of whom: `namespace/name`, an address, or `any`."""

    source: str
    target: str
    port: int
    protocol: Literal["TCP", "UDP", "SCTP"] = "TCP"


def explain(inventory: Inventory, profile: Profile, question: Question) -> Explanation:
    """Answer a question about one connection.

    Raises:
        UsageError: an end is neither a workload of the input nor an address.
    """
    found = _explain(inventory, profile, question)
    if found.verdict != "unknown" or profile != GENERIC:
        return found
    plugins: dict[Verdict, list[str]] = {}
    for name in PLUGINS:
        verdict = _explain(inventory, named_profile(name), question).verdict
        plugins.setdefault(verdict, []).append(name)
    depends = set(plugins) != {"unknown"}
    return msgspec.structs.replace(found, plugins=plugins) if depends else found


def _explain(inventory: Inventory, profile: Profile, question: Question) -> Explanation:
    texts = (question.source, question.target)
    marks = [found for text in texts if (found := address(text)) is not None]
    cluster = Cluster(inventory, profile, marks=marks)
    source, target = (_end(cluster, text) for text in texts)
    sides = []
    if isinstance(source, int):
        sides.append(_side(cluster, "egress", source, target, question))
    if isinstance(target, int):
        sides.append(_side(cluster, "ingress", target, source, question))
    return Explanation(
        source=_said(cluster, source, question.source),
        target=_said(cluster, target, question.target),
        port=f"{question.port}/{question.protocol}",
        verdict=_together([side.verdict for side in sides]),
        sides=tuple(sides),
        meant=_meant(cluster, source, target, question),
        mesh=_mesh(cluster, target),
    )


def deciding(cluster: Cluster, direction: Direction, own: int, other: End) -> list[Evidence]:
    """The lines that decide, at one end, what the other can open there or be opened at.

    Args:
        cluster: the input, ready for questions.
        direction: of the traffic, seen from `own`.
        own: the index of an endpoint.
        other: the index of the other endpoint, or addresses (the first of a range counts).
    """
    first = (
        AddressRange(other.family, other.low, other.low) if not isinstance(other, int) else other
    )
    reach = cluster.reach
    bit, number = _bit(cluster, direction, first), reach.classes.of_endpoint[own]
    chosen = (reach.policies[policy] for policy in reach.row(direction, number).policies)
    policies = sorted(chosen, key=lambda policy: (policy.rank, policy.id))
    matching = [
        _rule(policy, rule)
        for policy in policies
        for rule in policy.rules(direction)
        if reach.peers(direction, rule, policy.namespace).may >> bit & 1
    ]
    if matching:
        return matching
    if policies:
        return [_isolates(policy) for policy in policies]
    return [*_doubts(cluster, own), _nothing(direction)][:1]


def _end(cluster: Cluster, text: str) -> End:
    if text == ANY:
        return cluster.stranger
    outside = address(text)
    if outside is not None:
        return outside
    namespace, _, name = text.rpartition("/")
    for index, workload in enumerate(cluster.workloads):
        if workload.name == name and namespace in ("", workload.namespace):
            return index
    hint = "name NAMESPACE/WORKLOAD, an address, or `any` for any pod of the cluster"
    raise UsageError(f"no workload {text} in the input", hint=hint)


def _said(cluster: Cluster, end: End, text: str) -> str:
    """An end in words: workloads with their namespace."""
    if isinstance(end, int) and end < len(cluster.workloads):
        return f"{cluster.workloads[end].namespace}/{cluster.workloads[end].name}"
    return "any pod of the cluster" if text == ANY else text


def _side(cluster: Cluster, direction: Direction, own: int, other: End, question: Question) -> Side:
    reach = cluster.reach
    number, bit = reach.classes.of_endpoint[own], _bit(cluster, direction, other)
    wanted = reach.ports.of_port(question.protocol, question.port)
    ports = reach.allowed(direction, number, bit)
    verdict: Verdict = "unknown" if ports.may & wanted else "blocked"
    decisions = reach.decisions(direction, number, bit, wanted)
    return Side(
        direction=direction,
        who=_said(cluster, own, question.source if direction == "egress" else question.target),
        verdict="allowed" if ports.must & wanted else verdict,
        steps=tuple(_steps(cluster, direction, own, decisions)),
        otherwise=_otherwise(cluster, direction, number, decisions),
    )


def _bit(cluster: Cluster, direction: Direction, other: End) -> int:
    reach = cluster.reach
    if isinstance(other, int):
        return reach.classes.of_endpoint[other]
    atom = reach.addresses[direction].of_range(other)
    return reach.classes.count + atom.bit_length() - 1


def _steps(
    cluster: Cluster, direction: Direction, own: int, decisions: Sequence[Decision]
) -> Iterator[Step]:
    for evidence in _doubts(cluster, own):
        yield Step("", evidence)
    if cluster.profile.enforces == "no":
        yield Step("", Evidence(note=f"{cluster.profile.name} enforces no policy"))
        return
    for decision in decisions:
        policy = cluster.reach.policies[decision.policy]
        found = _rule(policy, decision.rule) if decision.rule else _end_of_tier(policy, decision)
        if not decision.certain:
            note = f"perhaps: {found.note}"
            found = Evidence(found.ref, found.pointer, note, line=found.line)
        yield Step(policy.tier.name, found)
    if not any(d.certain and d.action != "pass" for d in decisions) and not cluster.foreign.get(
        own
    ):
        yield Step("", _nothing(direction) if not decisions else Evidence(note="no tier decides"))


def _end_of_tier(policy: PodPolicy, decision: Decision) -> Evidence:
    if decision.action == "deny":
        return _isolates(policy)
    note = f"{_named(policy)} selects it in the other direction, which ends the baseline tier"
    return Evidence(policy.id, policy.subject, note)


def _rule(policy: PodPolicy, rule: Rule) -> Evidence:
    words = "; ".join(rule_words(rule, policy.namespace))
    place = f"{_named(policy)} rule {int(rule.pointer.rpartition('/')[2]) + 1}"
    return Evidence(policy.id, rule.pointer, f"{place} {_DOES[rule.action]} {words}")


def _isolates(policy: PodPolicy) -> Evidence:
    note = f"{_named(policy)} isolates it, and no rule admits the connection"
    return Evidence(policy.id, policy.subject, note)


def _named(policy: PodPolicy) -> str:
    name = f"{policy.namespace}/{policy.name}" if policy.namespace else policy.name
    return f"{policy.kind} {name}"


def _nothing(direction: Direction) -> Evidence:
    open_to = "everything may leave" if direction == "egress" else "everyone may come in"
    return Evidence(note=f"no policy of any kind selects it for {direction}: {open_to}")


def _doubts(cluster: Cluster, own: int) -> list[Evidence]:
    note = "may decide and is not evaluated"
    return [Evidence(manifest.id, "/spec", note) for manifest in cluster.foreign.get(own, [])]


def _otherwise(
    cluster: Cluster, direction: Direction, number: int, decisions: Sequence[Decision]
) -> str:
    """Which policies are asked next, after the tier of the one that decides."""
    if not decisions:
        return ""
    policies = cluster.reach.policies
    tier = policies[decisions[-1].policy].tier
    later = [policies[n] for n in cluster.reach.row(direction, number).policies]
    names = [_named(p) for p in sorted(later, key=lambda p: p.rank) if p.tier > tier]
    return names[0] if names else "nothing"


def _meant(
    cluster: Cluster, source: End, target: End, question: Question
) -> tuple[Evidence, ...] | None:
    """What asks for the connection, if both ends are workloads of the input."""
    known = len(cluster.workloads)
    ends = [end for end in (source, target) if isinstance(end, int) and end < known]
    if len(ends) < len((source, target)):
        return None
    return tuple(
        flow.because
        for flow in intended(Names(cluster.inventory))
        if [flow.source.index, flow.target.index] == ends
        and (flow.protocol, flow.port) == (question.protocol, question.port)
    )


def _mesh(cluster: Cluster, target: End) -> str:
    if not isinstance(target, int) or target >= len(cluster.workloads):
        return ""
    workload = cluster.workloads[target]
    match Mesh(cluster.inventory).enrolment(workload).plane:
        case "none":
            return f"{workload.name} is in no mesh: no identity is checked either"
        case "unknown":
            return f"nothing tells whether {workload.name} is in a mesh"
        case _:
            return f"{workload.name} is in a mesh, which may check who calls: `kguard mtls explain`"


def _together(verdicts: Sequence[Verdict]) -> Verdict:
    if "blocked" in verdicts:
        return "blocked"
    return "unknown" if "unknown" in verdicts else "allowed"
