# SPDX-License-Identifier: Apache-2.0
"""How is the traffic of each workload restricted?"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from kguard.inventory import Workload
from kguard.layers.network.facts.elsewhere import Elsewhere
from kguard.layers.network.facts.openings import Openings
from kguard.layers.network.facts.summary import Openness, Served, Test
from kguard.layers.network.facts.words import looked_at, rule_words
from kguard.layers.network.intent.model import Flow
from kguard.layers.network.semantics.cluster import Cluster
from kguard.layers.network.semantics.policy import Direction, Rule
from kguard.layers.network.semantics.ports import PROTOCOLS
from kguard.layers.network.semantics.reach import Ports
from kguard.layers.network.semantics.services import Service, target_ports
from kguard.model.facts import network as facts
from kguard.model.facts.common import Evidence, Truth
from kguard.model.facts.network import Admission, Doubt, Isolation
from kguard.model.locations import pointer
from kguard.model.manifests import sequence

_ENTRANCES = ("ingress", "gateway", "published", "webhook")


def served_ports(workloads: Sequence[Workload], services: Iterable[Service]) -> list[list[Served]]:
    """The ports that each workload declares or that Services lead to."""
    found = [
        {Served(p.protocol, p.number) for p in workload.ports if p.protocol in PROTOCOLS}
        for workload in workloads
    ]
    for service in services:
        for index in service.workloads:
            for port in service.ports:
                numbers = target_ports(port, workloads[index])
                found[index].update(Served(port.protocol, number) for number in numbers)
    return [sorted(ports, key=lambda p: (p.number, p.protocol)) for ports in found]


def published_ports(workloads: Sequence[Workload], flows: Iterable[Flow]) -> list[set[str]]:
    """The ports that are offered to clients outside the cluster on purpose."""
    found: list[set[str]] = [set() for _ in workloads]
    for flow in flows:
        if flow.target.kind == "workload" and flow.basis in _ENTRANCES:
            found[flow.target.index].add(f"{flow.port}/{flow.protocol}")
    for index, workload in enumerate(workloads):
        for container in workload.containers:
            for entry in sequence(container.raw.get("ports")):
                if isinstance(entry, dict) and entry.get("hostPort"):
                    protocol = entry.get("protocol") or "TCP"
                    found[index].add(f"{entry.get('containerPort')}/{protocol}")
    return found


_METADATA_PORT = ("TCP", 80)
_MAX_SAID = 100
"""Sentences about what a workload admits; of more, only the number is told."""


class Workloads:
    """Makes the facts of workloads; what equal rows have in common is worked out once."""

    def __init__(
        self,
        openness: Openness,
        served: Sequence[list[Served]],
        published: Sequence[set[str]],
        openings: Openings,
    ) -> None:
        self._openness = openness
        self._openings = openings
        self._elsewhere = Elsewhere(openness)
        self._cluster: Cluster = openness.cluster
        self._served = served
        self._published = published
        self._incoming: dict[tuple[object, ...], facts.Ingress] = {}
        self._outgoing: dict[tuple[object, ...], facts.Egress] = {}
        self._words: dict[tuple[int, Direction], list[str]] = {}
        self._counts: Mapping[str, int] = _policy_counts(openness.cluster)

    def every(self) -> list[facts.Workload]:
        """All workloads, by namespace, kind and name."""
        found = [self._workload(index) for index in range(len(self._cluster.workloads))]
        return sorted(found, key=lambda w: (w.ref.namespace, w.ref.kind, w.ref.name))

    def _workload(self, index: int) -> facts.Workload:
        workload = self._cluster.workloads[index]
        doubt, about = self._doubt(index)
        return facts.Workload(
            ref=workload.ref,
            serves=[str(port) for port in self._served[index]],
            published=sorted(self._published[index]),
            host_network=workload.host_network,
            knative=_part(workload),
            user_ports=_user_ports(workload),
            ingress=self._ingress(index),
            egress=self._egress(index),
            doubt=doubt,
            doubt_about=about,
        )

    def _doubt(self, index: int) -> tuple[Doubt, list[str]]:
        if self._cluster.unread:
            return "not_read", self._cluster.unread
        foreign = self._cluster.foreign.get(index, [])
        if foreign:
            return "other_policies", [str(manifest.ref) for manifest in foreign]
        workload = self._cluster.workloads[index]
        if not workload.labels_known:
            return "labels", [str(workload.ref)]
        return ("plugin", [str(workload.ref)]) if workload.host_network else ("none", [])

    def _ingress(self, index: int) -> facts.Ingress:
        tests = self._openness
        key = self._key(index)
        alike = self._incoming.get(key)
        if alike is None:
            isolation = tests.isolation("ingress", index)
            alike = self._incoming[key] = facts.Ingress(
                isolation=isolation,
                selected=self._selected("ingress", index, isolation),
                internet=self._admission("ingress", index, tests.internet("ingress")),
                cluster=self._admission("ingress", index, tests.stranger()),
                namespace=self._admission("ingress", index, tests.neighbour(index)),
                nodes=self._elsewhere.nodes("ingress", index, self._own(index)),
                others=[],
                admits=self._admits("ingress", index, isolation),
                because=[],
            )
        return msgspec.structs.replace(
            alike,
            others=self._openings.of(index) if alike.isolation == "partial" else [],
            because=self._because("ingress", index, alike.isolation, tests.stranger()),
        )

    def _egress(self, index: int) -> facts.Egress:
        tests = self._openness
        key = self._key(index)
        alike = self._outgoing.get(key)
        if alike is None:
            isolation = tests.isolation("egress", index)
            alike = self._outgoing[key] = facts.Egress(
                isolation=isolation,
                selected=self._selected("egress", index, isolation),
                internet=self._admission("egress", index, tests.internet("egress")),
                cluster=self._admission("egress", index, tests.stranger()),
                own_namespace=self._admission("egress", index, tests.neighbour(index)),
                nodes=self._elsewhere.nodes("egress", index, ()),
                apiserver=self._elsewhere.api_server(index),
                metadata=self._metadata(index),
                admits=self._admits("egress", index, isolation),
                because=[],
            )
        because = self._because("egress", index, alike.isolation, tests.internet("egress"))
        return msgspec.structs.replace(alike, because=because)

    def _key(self, index: int) -> tuple[object, ...]:
        """What the answers depend on, apart from what is said of the workload by name."""
        number = self._cluster.reach.classes.of_endpoint[index]
        return (number, self._cluster.workloads[index].namespace, *self._served[index])

    def _selected(self, direction: Direction, index: int, isolation: Isolation) -> Truth:
        """Whether a policy selects the pods, enforced or not."""
        if isolation == "unknown":
            return "unknown"
        reach = self._cluster.reach
        chosen = reach.selected[direction][reach.classes.of_endpoint[index]]
        return "true" if chosen else "false"

    def _metadata(self, index: int) -> Admission:
        tests, atoms = self._openness, self._cluster.reach.ports
        ports = tests.ports("egress", index, tests.metadata())
        if ports.must != atoms.everything:
            # The service answers at one port; the resolver of some clouds has the same address.
            own = atoms.of_port(*_METADATA_PORT)
            ports &= Ports(own, own)
        return tests.admission(ports, [_METADATA_PORT])

    def _admission(self, direction: Direction, index: int, test: Test) -> Admission:
        ports = self._openness.ports(direction, index, test)
        own = self._own(index) if direction == "ingress" else []
        return self._openness.admission(ports, own)

    def _own(self, index: int) -> list[tuple[str, int]]:
        return [(port.protocol, port.number) for port in self._served[index]]

    def _admits(self, direction: Direction, index: int, isolation: Isolation) -> list[str]:
        if isolation in ("none", "unknown"):
            return []
        row = self._cluster.reach.row_of(direction, index)
        said = sorted({text for p in row.policies for text in self._policy_words(p, direction)})
        more = len(said) - _MAX_SAID
        return said if more <= 0 else [*said[:_MAX_SAID], f"and {more} more"]

    def _policy_words(self, number: int, direction: Direction) -> list[str]:
        found = self._words.get((number, direction))
        if found is None:
            policy = self._cluster.reach.policies[number]
            rules = [rule for rule in policy.rules(direction) if rule.action == "allow"]
            found = [text for rule in rules for text in rule_words(rule, policy.namespace)]
            self._words[number, direction] = found
        return found

    def _because(
        self, direction: Direction, index: int, isolation: Isolation, test: Test
    ) -> list[Evidence]:
        workload = self._cluster.workloads[index]
        if isolation == "unknown":
            return self._open_question(index)
        if isolation == "none":
            return [self._absence(direction, workload)]
        reach = self._cluster.reach
        number = reach.classes.of_endpoint[index]
        wide = reach.naming(direction, number, test)
        if wide:
            return [self._rule(policy, rule) for policy, rule in wide]
        row = reach.row(direction, number)
        word = "incoming" if direction == "ingress" else "outgoing"
        note = f"selects the pods of {workload.name} and restricts {word} traffic"
        return [
            Evidence(reach.policies[policy].id, reach.policies[policy].subject, note)
            for policy in row.policies
        ]

    def _open_question(self, index: int) -> list[Evidence]:
        """What leaves the answer open."""
        workload = self._cluster.workloads[index]
        if workload.host_network:
            note = "shares the network of its node"
            return [Evidence(workload.id, f"{workload.pod_pointer}/hostNetwork", note)]
        note = f"may decide about {workload.name} and is not evaluated"
        found = [Evidence(m.id, "/spec", note) for m in self._cluster.foreign.get(index, [])]
        found += [Evidence(note=reason) for reason in self._cluster.unread]
        return found or [Evidence(workload.id, "", "the labels of its pods are not known")]

    def _rule(self, number: int, rule: Rule) -> Evidence:
        policy = self._cluster.reach.policies[number]
        texts = "; ".join(rule_words(rule, policy.namespace))
        return Evidence(policy.id, rule.pointer, f"admits {texts}")

    def _absence(self, direction: Direction, workload: Workload) -> Evidence:
        word = "incoming" if direction == "ingress" else "outgoing"
        count = self._counts.get(workload.namespace, 0)
        refused = sum(p.namespace == workload.namespace for p in self._cluster.refused)
        rest = f" ({refused} refused by the API server)" if refused else ""
        note = (
            f"no policy in namespace {workload.namespace}{looked_at(count)} restricts the {word}"
            f" traffic of {workload.name}{rest}"
        )
        place = workload.pod_metadata_pointer + pointer("labels")
        if not workload.labels or workload.knative:
            place = ""
        return Evidence(workload.id, place, note)


def _policy_counts(cluster: Cluster) -> dict[str, int]:
    found: dict[str, int] = {}
    for policy in cluster.policies:
        found[policy.namespace] = found.get(policy.namespace, 0) + 1
    return found


def _part(workload: Workload) -> facts.KnativePart:
    match workload.knative:
        case "serving":
            return "serving"
        case "eventing":
            return "eventing"
        case _:
            return "no"


def _user_ports(workload: Workload) -> list[str]:
    if workload.knative != "serving":
        return []
    return [f"{p.number}/{p.protocol}" for p in workload.ports if p.container != "queue-proxy"]
