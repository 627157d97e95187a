# SPDX-License-Identifier: Apache-2.0
"""Is one connection possible, and which rules decide that at each end?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import msgspec

from kguard.errors import UsageError
from kguard.inventory import Inventory
from kguard.layers.network.facts.words import rule_words
from kguard.layers.network.semantics.addresses import AddressRange, address
from kguard.layers.network.semantics.cluster import Cluster
from kguard.layers.network.semantics.policy import Direction, Rule
from kguard.layers.network.semantics.profiles import Profile
from kguard.model.facts.common import Evidence
from kguard.model.facts.network import Verdict

ANY = "any"
"""Any pod of the cluster, in a namespace of its own and without labels."""

End = int | AddressRange
"""An endpoint, or an address outside."""


class Side(msgspec.Struct, frozen=True):
    """What one end of a connection says, and why."""

    direction: Direction
    who: str
    verdict: Verdict
    because: tuple[Evidence, ...]


class Explanation(msgspec.Struct, frozen=True):
    """Whether a connection is possible."""

    source: str
    target: str
    port: str
    verdict: Verdict
    sides: tuple[Side, ...]


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
        source=question.source,
        target=question.target,
        port=f"{question.port}/{question.protocol}",
        verdict=_together([side.verdict for side in sides]),
        sides=tuple(sides),
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
    bit = _bit(cluster, direction, first)
    return _because(cluster, direction, own, bit, cluster.reach.ports.everything)


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


def _side(cluster: Cluster, direction: Direction, own: int, other: End, question: Question) -> Side:
    reach = cluster.reach
    number = reach.classes.of_endpoint[own]
    bit = _bit(cluster, direction, other)
    wanted = reach.ports.of_port(question.protocol, question.port)
    ports = reach.allowed(direction, number, bit)
    verdict: Verdict = "unknown" if ports.may & wanted else "blocked"
    return Side(
        direction=direction,
        who=question.source if direction == "egress" else question.target,
        verdict="allowed" if ports.must & wanted else verdict,
        because=tuple(_because(cluster, direction, own, bit, wanted)),
    )


def _bit(cluster: Cluster, direction: Direction, other: End) -> int:
    reach = cluster.reach
    if isinstance(other, int):
        return reach.classes.of_endpoint[other]
    atom = reach.addresses[direction].of_range(other)
    return reach.classes.count + atom.bit_length() - 1


def _because(
    cluster: Cluster, direction: Direction, own: int, bit: int, wanted: int
) -> list[Evidence]:
    """The rules that admit, else the policies that isolate, else that there is none."""
    reach = cluster.reach
    number = reach.classes.of_endpoint[own]
    row = reach.row(direction, number)
    admitting = [
        (policy, rule)
        for policy, rule in reach.admitting(direction, number, lambda mask: bool(mask >> bit & 1))
        if reach.speaks(direction, rule, number) & wanted
    ]
    if admitting:
        return [_rule(cluster, policy, rule) for policy, rule in admitting]
    if row.policies:
        note = "isolates it, and no rule admits the connection"
        policies = [reach.policies[number] for number in row.policies]
        return [Evidence(policy.id, policy.subject, note) for policy in policies]
    return [*_doubts(cluster, own), Evidence(note="no NetworkPolicy restricts it")][:1]


def _rule(cluster: Cluster, number: int, rule: Rule) -> Evidence:
    policy = cluster.reach.policies[number]
    return Evidence(
        policy.id, rule.pointer, f"admits {'; '.join(rule_words(rule, policy.namespace))}"
    )


def _doubts(cluster: Cluster, own: int) -> list[Evidence]:
    note = "may decide and is not evaluated"
    return [Evidence(manifest.id, "/spec", note) for manifest in cluster.foreign.get(own, [])]


def _together(verdicts: Sequence[Verdict]) -> Verdict:
    if "blocked" in verdicts:
        return "blocked"
    return "unknown" if "unknown" in verdicts else "allowed"
