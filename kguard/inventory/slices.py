# SPDX-License-Identifier: Apache-2.0
"""Which part of a cluster decides what a change of one object does?

What an object of an application changes is decided by its own namespace, by what is there for the
whole cluster, and by the objects of other namespaces that name it or that it names. Left out are
the applications of other namespaces, and the pods of controllers that the change does not touch:
they are the same before and after it.

A namespace is an application's if it holds nothing but what applications are made of. Everything
else (meshes, network plugins, detectors, enforcers, gateways, monitoring) may look at all pods of
the cluster: it stays in, and a change of it has no smaller part than the whole. So it is where a
name says too little: the whole is always right.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TypeVar

from kguard.inventory.applications import (
    SYSTEM,
    Ports,
    is_foreign,
    pod_metadata,
    port_names,
    shape_of,
    words,
)
from kguard.inventory.index import NAME_LABEL
from kguard.inventory.overlay import owners
from kguard.inventory.reaching import (
    ANYWHERE,
    MESHED,
    POLICY,
    Peer,
    own_peers_of,
    peers_of,
    plain_selector,
    reaches,
    selector_of,
    shows_mesh,
)
from kguard.inventory.selectors import Selector
from kguard.model.manifests import Manifest, strings

_CHANGED = frozenset(
    {
        ("Pod", ""),
        ("Deployment", "apps"),
        ("ReplicaSet", "apps"),
        ("StatefulSet", "apps"),
        ("Job", "batch"),
        ("CronJob", "batch"),
        ("Service", ""),
        ("ServiceAccount", ""),
        ("NetworkPolicy", "networking.k8s.io"),
    }
)
"""The kinds whose changes a part of the cluster decides."""

_WHOLE_NAMESPACE = frozenset({("NetworkPolicy", "networking.k8s.io"), ("Service", "")})
"""Kinds that concern every workload of their namespace, and so what these name."""

_Key = TypeVar("_Key", str, bytes)
_Graph = dict[str, dict[str, None]]


class _Space:
    """The objects of one namespace (or of none)."""

    def __init__(self) -> None:
        self.objects: dict[str, Manifest] = {}
        self.loose: dict[str, None] = {}
        """Those that nothing owns."""
        self.alike: dict[bytes, dict[str, None]] = {}
        """Those that something owns, by all that does not tell twins apart."""
        self.foreign: dict[str, None] = {}
        self.anywhere: dict[str, None] = {}


class Slices:
    """The parts of one state of a cluster; changes are told to it one by one.

    Args:
        manifests: the effective manifests, with namespaces and ids (`inventory.identity`).
    """

    def __init__(self, manifests: Iterable[Manifest] = ()) -> None:
        self._all: dict[str, Manifest] = {}
        self._spaces: dict[str, _Space] = {}
        self._dependents: _Graph = {}
        self._words: dict[str, frozenset[str]] = {}
        self._naming: _Graph = {}
        self._shapes: dict[str, bytes] = {}
        self._pods: dict[str, tuple[dict[str, str], Ports]] = {}
        """Labels and ports of the pods that an object makes that nothing owns."""
        self._peers: dict[str, list[Peer]] = {}
        self._own_peers: dict[str, list[Selector | None]] = {}
        self._selects: dict[str, Selector | None] = {}
        """What policies and Services select; None for whatever it is."""
        self._numbers: dict[str, int] = {}
        self._reaching: dict[str, None] = {}
        self._mesh: dict[str, None] = {}
        """What shows a mesh, whoever is in it."""
        self._changes = 0
        for manifest in manifests:
            self.add(manifest)

    def __len__(self) -> int:
        return len(self._all)

    @property
    def changes(self) -> int:
        """How many changes were told so far."""
        return self._changes

    def get(self, one: str) -> Manifest | None:
        """An object by id."""
        return self._all.get(one)

    def every(self) -> list[Manifest]:
        """All objects."""
        return list(self._all.values())

    def numbers(self, part: Iterable[Manifest]) -> tuple[int, ...]:
        """The same for parts of the same objects in the same state."""
        return tuple(self._numbers[manifest.id] for manifest in part)

    def has_twin(self, manifest: Manifest) -> bool:
        """Whether an object differs from one that is there in nothing that is judged.

        That is a further pod of a controller that the cluster has.
        """
        above = [*owners(manifest)]
        if manifest.kind != "Pod" or manifest.spec.get("nodeName"):
            return False
        if not any(owner in self._all for owner in above):
            return False
        space = self._spaces.get(manifest.namespace)
        twins = space.alike.get(shape_of(manifest), {}) if space else {}
        return any(one != manifest.id for one in twins)

    def add(self, manifest: Manifest) -> None:
        """An object that is new, or is otherwise than it was."""
        one = manifest.id
        self.remove(one)
        self._all[one] = manifest
        self._changes += 1
        self._numbers[one] = self._changes
        space = self._spaces.setdefault(manifest.namespace, _Space())
        space.objects[one] = manifest
        if shows_mesh(manifest):
            self._mesh[one] = None
        if reaches(manifest):
            self._reaching[one] = None
        if is_foreign(manifest):
            space.foreign[one] = None
        if (manifest.kind, manifest.group) in ANYWHERE:
            space.anywhere[one] = None
        above = [*owners(manifest)]
        for owner in above:
            self._dependents.setdefault(owner, {})[one] = None
        if above:
            self._shapes[one] = shape = shape_of(manifest)
            space.alike.setdefault(shape, {})[one] = None
            return
        space.loose[one] = None
        if metadata := pod_metadata(manifest):
            self._pods[one] = strings(metadata.get("labels")), port_names(manifest)
        if (manifest.kind, manifest.group) == POLICY:
            self._peers[one] = [*peers_of(manifest)]
            self._own_peers[one] = [*own_peers_of(manifest)]
            self._selects[one] = selector_of(manifest.spec.get("podSelector"))
        if (manifest.kind, manifest.group) == ("Service", ""):
            self._selects[one] = plain_selector(manifest.spec.get("selector"))
        if manifest.namespace:
            self._words[one] = frozenset(words(manifest.object))
            for word in self._words[one]:
                self._naming.setdefault(word, {})[one] = None

    def remove(self, one: str) -> None:
        """An object that is no longer there, by id."""
        manifest = self._all.pop(one, None)
        if manifest is None:
            return
        self._changes += 1
        self._peers.pop(one, None)
        self._own_peers.pop(one, None)
        self._reaching.pop(one, None)
        self._mesh.pop(one, None)
        self._selects.pop(one, None)
        self._pods.pop(one, None)
        space = self._spaces[manifest.namespace]
        for place in (space.objects, space.loose, space.foreign, space.anywhere):
            place.pop(one, None)
        for owner in owners(manifest):
            _drop(self._dependents, owner, one)
        if one in self._shapes:
            _drop(space.alike, self._shapes.pop(one), one)
        for word in self._words.pop(one, ()):
            _drop(self._naming, word, one)

    def of(self, manifest: Manifest) -> list[Manifest] | None:
        """The objects that decide what a change of one does; None where all of them do.

        Args:
            manifest: as it will be, or as it was where it goes; with namespace and id.
        """
        former = self._all.get(manifest.id, manifest)
        here = manifest.namespace
        if not here or SYSTEM.fullmatch(here) or any(map(_unfit, (manifest, former))):
            return None
        if here in self._spaces and self._spaces[here].foreign:
            return None
        if not self._mesh and any(map(MESHED.search, self._labels(here) or ())):
            return None  # it may be the first that a mesh would take
        linked = {here, *self._linked(manifest)}
        placed = any(m.kind == "Pod" and m.spec.get("nodeName") for m in (manifest, former))
        found: dict[str, None] = {}
        for name, space in self._spaces.items():
            if not name or space.foreign or SYSTEM.fullmatch(name):
                found.update(dict.fromkeys(space.objects))
            elif name in linked or self._reaching or self._labels(name) is None:
                found.update(space.loose)
                found.update(dict.fromkeys(self._owned(space, manifest.id, whole=placed)))
            else:
                found.update(space.anywhere)
        found.update(dict.fromkeys(self._below(manifest)))
        admitting = [*self._admitting(manifest, former)]
        found.update(dict.fromkeys(admitting))
        found.update(dict.fromkeys(self._represented(admitting)))
        found.update(dict.fromkeys(self._admitted(manifest, former)))
        return [self._all[one] for one in found]

    def _owned(self, space: _Space, one: str, *, whole: bool) -> Iterator[str]:
        """Of twins that the same object controls, one, besides the object in question."""
        for twins in space.alike.values():
            first = next((twin for twin in twins if twin != one), None)
            if first is None:
                continue
            if whole or not any(owner in self._all for owner in owners(self._all[first])):
                yield from twins
            else:
                yield first

    def _below(self, manifest: Manifest) -> Iterator[str]:
        """The object itself, if it is there, and all that it controls."""
        pending, seen = [manifest.id], {manifest.id}
        while pending:
            for below in self._dependents.get(pending.pop(), ()):
                if below not in seen:
                    seen.add(below)
                    pending.append(below)
        return (one for one in sorted(seen) if one in self._all)

    def _linked(self, manifest: Manifest) -> Iterator[str]:
        """The namespaces whose objects name the object or a Service of it, or that it names."""
        mine = {manifest.id: manifest}
        space = self._spaces.get(manifest.namespace)
        if space and (manifest.kind, manifest.group) in _WHOLE_NAMESPACE:
            mine |= {one: self._all[one] for one in space.loose}
        spoken = {*words(manifest.object), *self._words.get(manifest.id, ())}
        for one in mine:
            spoken |= self._words.get(one, frozenset())
        yield from (name for name in self._spaces if name in spoken)
        names = {m.name for m in (*mine.values(), *self._services(manifest))}
        for name in names:
            for one in self._naming.get(name, ()):
                if manifest.namespace in self._words[one]:
                    yield self._all[one].namespace

    def _admitting(self, *states: Manifest) -> Iterator[str]:
        """Policies of other namespaces that name the pods, beside what decides about these."""
        here = states[0].namespace
        labels = self._labels(here)
        pods = [strings(pod_metadata(state).get("labels")) for state in states]
        found: dict[str, list[Selector | None]] = {}
        for one, peers in self._peers.items():
            policy = self._all[one]
            if policy.namespace != here and any(
                (labels is None or space is None or space.matches(labels))
                and any(pod is None or pod.matches(each) for each in pods)
                for space, pod in peers
            ):
                yield one
                found.setdefault(policy.namespace, []).append(self._selects[one])
        for name, selectors in found.items():
            selected = [*self._selected(name, selectors)]
            yield from selected
            yield from self._about(name, selected)

    def _about(self, name: str, workloads: Sequence[str]) -> Iterator[str]:
        """The policies and Services of a namespace that select any of some workloads."""
        pods = [self._pods[one][0] for one in workloads]
        for one in self._spaces[name].loose:
            if one in self._selects:
                selector = self._selects[one]
                if selector is None or any(selector.matches(labels) for labels in pods):
                    yield one

    def _represented(self, ids: Sequence[str]) -> Iterator[str]:
        """Of the other pods that policies name, one of each kind: that they are there counts."""
        for one in ids:
            for pod in self._own_peers.get(one, ()):
                yield from self._representatives(self._all[one].namespace, pod)
            for space, pod in self._peers.get(one, ()):
                for name in self._spaces.keys() - {""}:
                    labels = self._labels(name)
                    if labels is None or space is None or space.matches(labels):
                        yield from self._representatives(name, pod)

    def _representatives(self, name: str, pod: Selector | None) -> Iterator[str]:
        """Of the workloads of a namespace that a selector selects, one for each set of ports."""
        found = self._selected(name, [pod])
        return iter({self._pods[one][1]: one for one in found}.values())

    def _admitted(self, manifest: Manifest, former: Manifest) -> Iterator[str]:
        """Pods of other namespaces that policies here name.

        That they are there counts, and what they call their ports. All of them count only where
        the policy itself changes.
        """
        here = self._spaces.get(manifest.namespace)
        policies = [self._peers[one] for one in here.loose if one in self._peers] if here else []
        peers = {peer for known in policies for peer in known}
        if (manifest.kind, manifest.group) == POLICY:
            peers |= {*peers_of(manifest), *peers_of(former)}
        for name in self._spaces.keys() - {manifest.namespace, ""} if peers else ():
            labels = self._labels(name)
            for space, pod in peers:
                if labels is None or space is None or space.matches(labels):
                    if (manifest.kind, manifest.group) == POLICY:
                        yield from self._selected(name, [pod])
                    else:
                        yield from self._representatives(name, pod)

    def _labels(self, namespace: str) -> dict[str, str] | None:
        """The labels of a namespace; None where they are not known."""
        known = self._all.get(f"Namespace/-/{namespace}")
        return {**known.labels, NAME_LABEL: namespace} if known else None

    def _selected(self, name: str, selectors: Sequence[Selector | None]) -> Iterator[str]:
        """The workloads of a namespace that any of the selectors selects."""
        for one in self._spaces[name].loose:
            if one not in self._pods:
                continue
            labels, _ = self._pods[one]
            if any(selector is None or selector.matches(labels) for selector in selectors):
                yield one

    def _services(self, manifest: Manifest) -> Iterator[Manifest]:
        labels = strings(pod_metadata(manifest).get("labels"))
        space = self._spaces.get(manifest.namespace)
        for one in space.loose if space else ():
            if (self._all[one].kind, self._all[one].group) == ("Service", ""):
                selector = self._selects[one]
                if selector and selector.matches(labels):
                    yield self._all[one]


def _drop(graph: dict[_Key, dict[str, None]], key: _Key, one: str) -> None:
    found = graph.get(key)
    if found is not None:
        found.pop(one, None)
        if not found:
            del graph[key]


def _unfit(manifest: Manifest) -> bool:
    return (manifest.kind, manifest.group) not in _CHANGED or is_foreign(manifest)
