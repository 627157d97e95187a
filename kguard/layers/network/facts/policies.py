# SPDX-License-Identifier: Apache-2.0
"""Does each policy do what it says, and does each namespace deny by default?"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from difflib import get_close_matches
from typing import Literal

import msgspec

from kguard.inventory import Workload
from kguard.layers.network.facts.cover import Redundancy, shadows
from kguard.layers.network.facts.references import References
from kguard.layers.network.facts.words import (
    looked_at,
    peer_words,
    rule_words,
    selector_words,
    term_words,
)
from kguard.layers.network.semantics.cluster import Cluster
from kguard.layers.network.semantics.endpoints import bits
from kguard.layers.network.semantics.policy import (
    ADMIN,
    BASELINE,
    DIRECTIONS,
    Direction,
    Peer,
    PodPolicy,
    Rule,
)
from kguard.model.facts import network as facts
from kguard.model.facts.common import Evidence, Truth
from kguard.model.manifests import Manifest, ObjectRef

_SHORT, _CHANGES = 3, 2
_CLOSE = 0.75
"""How similar a label value must be to be taken for a slip of the pen."""


class Policies:
    """Makes the facts of policies."""

    def __init__(self, cluster: Cluster, references: References, *, whole: bool) -> None:
        self._cluster = cluster
        self._references = references
        self._whole = whole
        reach = cluster.reach
        known = len(cluster.workloads)
        self._real = 0
        for number, members in enumerate(reach.classes.members):
            self._real |= 1 << number if members[0] < known else 0
        self._expected = self._real
        for index in range(cluster.first_extra, len(reach.endpoints)):
            # Pods that intended flows name by labels run elsewhere.
            if reach.endpoints[index].labels and reach.endpoints[index].labels_known:
                self._expected |= 1 << reach.classes.of_endpoint[index]
        self._redundancy = {
            name: Redundancy(group) for name, group in _grouped(cluster.policies).items()
        }
        self._shadows = shadows([*cluster.policies, *cluster.others])
        self._by_namespace: dict[str, list[Workload]] = cluster.inventory.workloads_by_namespace

    def every(self) -> list[facts.Policy]:
        """All policies, by namespace, name and kind."""
        cluster = self._cluster
        found = [self._policy(policy) for policy in [*cluster.policies, *cluster.others]]
        found += [self._refused(policy) for policy in cluster.refused]
        found += [self._of_another_plugin(manifest) for manifest in cluster.ineffective]
        by_object: dict[ObjectRef, facts.Policy] = {}
        for policy in found:
            known = by_object.get(policy.ref)
            by_object[policy.ref] = _together(known, policy) if known else policy
        return sorted(by_object.values(), key=lambda p: (p.ref.namespace, p.ref.name, p.ref.id))

    def _ref(self, policy: PodPolicy) -> ObjectRef:
        manifest = self._cluster.inventory.by_id(policy.id)
        return getattr(manifest, "ref", ObjectRef())

    def _refused(self, policy: PodPolicy) -> facts.Policy:
        problems = [
            facts.Defect(p.pointer, p.text, [Evidence(policy.id, p.pointer, p.text)])
            for p in policy.problems
        ]
        return _idle_policy(self._ref(policy), "refused", problems)

    def _of_another_plugin(self, manifest: Manifest) -> facts.Policy:
        note = f"network plugin {self._cluster.profile.name} does not know {manifest.kind}"
        place = Evidence(manifest.id, "/kind", f"{note} of {manifest.group}")
        return _idle_policy(manifest.ref, "other_plugin", [], [place])

    def _policy(self, policy: PodPolicy) -> facts.Policy:
        selects = self._selects(policy)
        enforced = self._cluster.profile.enforces != "no"
        ref, plain = self._ref(policy), policy in self._cluster.policies
        return facts.Policy(
            ref=ref,
            said=_said(ref),
            state="in_force" if enforced else "not_enforced",
            selects=selects,
            named=_names_pods(policy),
            near=self._near(policy) if plain and not selects else "",
            dangling=_once(self._dangling(policy)) if selects else [],
            unresolved=_once(self._unresolved(policy)) if selects else [],
            idle=_once(self._idle(policy)) if plain else [],
            redundant=self._redundant(policy),
            repeated=_once(self._repeated(policy)),
            shadowed=_once(self._shadowed(policy)) if selects else [],
            unreferenced=_once(self._references.unreferenced(policy)) if selects else [],
            problems=[],
            because=[Evidence(policy.id, policy.subject, _subject_words(policy))],
            tied=_once(self._tied(policy)),
        )

    def _tied(self, policy: PodPolicy) -> Iterator[facts.Defect]:
        if policy.tier not in (ADMIN, BASELINE):
            return
        for other in self._cluster.others:
            if other.rank == policy.rank and other.id != policy.id:
                note = f"the priority of {other.kind} {other.name}, too"
                places = [Evidence(entry.id, "/spec/priority", note) for entry in (policy, other)]
                yield facts.Defect(other.name, f"{other.kind} {other.name}", places)

    def _shadowed(self, policy: PodPolicy) -> Iterator[facts.Defect]:
        for covered in self._shadows.get(policy.id, []):
            words = f"{covered.rule.action} {'; '.join(rule_words(covered.rule, policy.namespace))}"
            earlier = "; ".join(rule_words(covered.by, covered.policy.namespace))
            note = f"{covered.policy.kind} {covered.policy.name}: {covered.by.action} {earlier}"
            yield facts.Defect(
                f"{covered.direction} {words}",
                words,
                [
                    Evidence(policy.id, covered.rule.pointer, words),
                    Evidence(covered.policy.id, covered.by.pointer, f"decides before, {note}"),
                ],
            )

    def _redundant(self, policy: PodPolicy) -> list[Evidence]:
        mine = self._redundancy.get(policy.namespace)
        found = mine.whole.get(policy.id, ()) if mine else ()
        return [
            Evidence(other.id, "/spec", f"{other.name} says as much for the same pods")
            for other in found
        ]

    def _repeated(self, policy: PodPolicy) -> Iterator[facts.Defect]:
        mine = self._redundancy.get(policy.namespace)
        for covered in mine.parts.get(policy.id, []) if mine else ():
            words = "; ".join(rule_words(covered.rule, policy.namespace))
            wider = "; ".join(rule_words(covered.by, covered.policy.namespace))
            yield facts.Defect(
                f"{covered.direction} {words}",
                words,
                [
                    Evidence(policy.id, covered.rule.pointer, f"admits {words}"),
                    Evidence(covered.policy.id, covered.by.pointer, f"admits {wider} already"),
                ],
            )

    def _selects(self, policy: PodPolicy) -> int:
        reach = self._cluster.reach
        known = len(self._cluster.workloads)
        return sum(
            1
            for number in bits(reach.subject(policy).may & self._real)
            for member in reach.classes.members[number]
            if member < known
        )

    def _near(self, policy: PodPolicy) -> str:
        """A workload whose label value looks like the one that the selector asks for."""
        for workload in self._by_namespace.get(policy.namespace, []):
            for entry in policy.selector.requirements:
                have = workload.labels.get(entry.key, "")
                if entry.operator != "In" or have in entry.values:
                    continue
                alike = [value for value in entry.values if _alike(value, have)]
                close = get_close_matches(have, alike, n=1, cutoff=_CLOSE) if alike else []
                if close:
                    return f"{workload.name} has {entry.key}={have}, not {close[0]}"
        return ""

    def _dangling(self, policy: PodPolicy) -> Iterator[facts.Defect]:
        for direction, rule, peer in _peers(policy):
            if peer.pods is None and peer.namespaces is None:
                continue
            if self._matches(direction, peer, policy) or not self._judgeable(peer, policy):
                continue
            who = peer_words(peer, policy.namespace)
            word = "from" if direction == "ingress" else "to"
            del rule
            note = f"no workload of the input matches: {who}"
            place = Evidence(policy.id, peer.pointer, note)
            yield facts.Defect(f"{word} {who}", who, [place])

    def _matches(self, direction: Direction, peer: Peer, policy: PodPolicy) -> bool:
        found = self._cluster.reach.peer(direction, peer, policy.namespace)
        return bool(found.may & self._expected)

    def _judgeable(self, peer: Peer, policy: PodPolicy) -> bool:
        """Whether all pods that the peer could mean are in the input."""
        if peer.namespaces is None:
            return bool(self._by_namespace.get(policy.namespace))
        matched = self._cluster.reach.classes.namespaces(peer.namespaces)
        return self._whole and bool(matched.must & self._real)

    def _unresolved(self, policy: PodPolicy) -> Iterator[facts.Defect]:
        reach = self._cluster.reach
        for direction in DIRECTIONS:
            for rule in policy.rules(direction):
                for term in rule.ports:
                    if not term.name:
                        continue
                    numbers = bits(self._targets(direction, rule, policy))
                    pods = [reach.classes.representatives[number] for number in numbers]
                    if any(reach.named_ports(term, endpoint) for endpoint in pods):
                        continue
                    word = term_words(term)
                    whose = "selected" if direction == "ingress" else "targeted"
                    note = f"none of the {len(pods)} {whose} kinds of pods declares port {word}"
                    place = Evidence(policy.id, term.pointer, note)
                    yield facts.Defect(f"{direction} port {word}", word, [place])

    def _targets(self, direction: Direction, rule: Rule, policy: PodPolicy) -> int:
        reach = self._cluster.reach
        if direction == "ingress":
            return reach.subject(policy).may & self._real
        return reach.peers("egress", rule, policy.namespace).may & self._real

    def _idle(self, policy: PodPolicy) -> Iterator[facts.Defect]:
        for direction in DIRECTIONS:
            if direction in policy.directions or not policy.written(direction):
                continue
            kind = direction.capitalize()
            note = f"policyTypes does not list {kind}, so these rules restrict nothing"
            place = Evidence(policy.id, f"/spec/{direction}", note)
            yield facts.Defect(direction, kind, [place])


def _idle_policy(
    ref: ObjectRef,
    state: Literal["refused", "other_plugin"],
    problems: list[facts.Defect],
    because: list[Evidence] | None = None,
) -> facts.Policy:
    """A policy without any effect."""
    return facts.Policy(
        ref=ref,
        said=_said(ref),
        state=state,
        selects=0,
        named=True,
        near="",
        dangling=[],
        unresolved=[],
        idle=[],
        redundant=[],
        repeated=[],
        shadowed=[],
        unreferenced=[],
        problems=problems,
        because=because or [],
    )


def _together(one: facts.Policy, other: facts.Policy) -> facts.Policy:
    """Parts of one object: several specs, or its denials and its admissions."""
    lists = ("dangling", "unresolved", "idle", "repeated", "shadowed", "unreferenced", "problems")
    joined = {name: _once([*getattr(one, name), *getattr(other, name)]) for name in lists}
    because = [*one.because, *(entry for entry in other.because if entry not in one.because)]
    return msgspec.structs.replace(
        one if one.state == "refused" else other,
        selects=max(one.selects, other.selects),
        named=one.named and other.named,
        because=because,
        **joined,
    )


def _said(ref: ObjectRef) -> str:
    """An object in words; a kind that shares its name with NetworkPolicy is told with its group."""
    foreign = ref.kind == "NetworkPolicy" and ref.group != "networking.k8s.io"
    return f"{ref} of {ref.group}" if foreign else str(ref)


def _names_pods(policy: PodPolicy) -> bool:
    """Whether its subject names any label or namespace at all."""
    spaces = policy.spaces is not None and not policy.spaces.is_empty
    return spaces or policy.pods is not None or not policy.selector.is_empty


def _subject_words(policy: PodPolicy) -> str:
    if policy.pods is not None:
        return "selects pods"
    words = selector_words(policy.selector) or "any labels"
    spaces = selector_words(policy.spaces) if policy.spaces else ""
    return f"selects pods with {words}" + (f" of namespaces with {spaces}" if spaces else "")


def _grouped(policies: list[PodPolicy]) -> dict[str, list[PodPolicy]]:
    found: dict[str, list[PodPolicy]] = {}
    for policy in policies:
        found.setdefault(policy.namespace, []).append(policy)
    return found


def _alike(one: str, other: str) -> bool:
    """A cheap look before the exact one: long enough, nearly as long, same beginning or end."""
    if min(len(one), len(other)) < _SHORT or abs(len(one) - len(other)) > _CHANGES:
        return False
    return one[:2] == other[:2] or one[-2:] == other[-2:]


def _peers(policy: PodPolicy) -> Iterator[tuple[Direction, Rule, Peer]]:
    for direction in DIRECTIONS:
        for rule in policy.rules(direction):
            for peer in rule.peers:
                yield direction, rule, peer


def _once(defects: Iterable[facts.Defect]) -> list[facts.Defect]:
    found: dict[str, facts.Defect] = {}
    for defect in defects:
        found.setdefault(defect.path, defect)
    return [found[path] for path in sorted(found)]


def namespaces(cluster: Cluster) -> list[facts.Namespace]:
    """Every namespace that has workloads."""
    found = []
    for name, workloads in sorted(cluster.inventory.workloads_by_namespace.items()):
        policies = [policy for policy in cluster.policies if policy.namespace == name]
        denying = [policy for policy in policies if _denies(policy)]
        denying += [policy for policy in cluster.others if _isolates(cluster, policy, name)]
        found.append(
            facts.Namespace(
                ref=ObjectRef("v1", "Namespace", "", name),
                workloads=len(workloads),
                policies=len(policies),
                default_deny=_default(cluster, name, denying),
                because=_reasons(cluster, name, policies, denying),
            )
        )
    return found


def _denies(policy: PodPolicy) -> bool:
    """Whether it isolates every pod of its namespace and does not admit everything."""
    everything = any(rule.admits_all for rule in policy.ingress)
    return policy.selector.is_empty and "ingress" in policy.directions and not everything


def _isolates(cluster: Cluster, policy: PodPolicy, name: str) -> bool:
    """The same for other kinds: every pod of the input is isolated, and one without labels."""
    if policy.tier.end != "deny" or "ingress" not in policy.directions:
        return False
    reach = cluster.reach
    whole = reach.classes.in_namespace(name)
    everything = any(rule.admits_all for rule in policy.ingress)
    lenient = "ingress" in policy.lenient
    return not (everything or lenient or whole & ~reach.subject(policy).must)


def _default(cluster: Cluster, name: str, denying: list[PodPolicy]) -> Truth:
    if denying:
        return "true"
    others = any(cluster.workloads[index].namespace == name for index in cluster.foreign)
    return "unknown" if cluster.unread or others else "false"


def _reasons(
    cluster: Cluster, name: str, policies: list[PodPolicy], denying: list[PodPolicy]
) -> list[Evidence]:
    if denying:
        note = "isolates every pod of the namespace"
        return [Evidence(policy.id, policy.subject, note) for policy in denying]
    known = cluster.inventory.namespaces.get(name)
    place = known.manifest.id if known and known.manifest else ""
    note = f"no policy in namespace {name}{looked_at(len(policies))} isolates every pod"
    return [Evidence(place, "/metadata/name" if place else "", note)]
