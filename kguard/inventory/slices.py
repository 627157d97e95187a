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

from kguard.inventory.applications import (
    MAKERS,
    SYSTEM,
    is_foreign,
    pod_metadata,
    shape_of,
    words,
)
from kguard.inventory.around import around
from kguard.inventory.overlay import owners
from kguard.inventory.reaching import MESHED, POLICY, peers_of
from kguard.inventory.selectors import Selector
from kguard.inventory.standing import SERVICE, Standing
from kguard.model.manifests import Manifest, strings

_CHANGED = MAKERS | {SERVICE, ("ServiceAccount", ""), POLICY}
"""The kinds whose changes a part of the cluster decides."""

_WHOLE_NAMESPACE = frozenset({POLICY, SERVICE})
"""Kinds that concern every workload of their namespace, and so what these name."""


class Slices:
    """The parts of one state of a cluster; changes are told to it one by one.

    Args:
        manifests: the effective manifests, with namespaces and ids (`inventory.identity`).
    """

    def __init__(self, manifests: Iterable[Manifest] = ()) -> None:
        self._there = Standing()
        for manifest in manifests:
            self.add(manifest)

    def __len__(self) -> int:
        return len(self._there.all)

    @property
    def changes(self) -> int:
        """How many changes were told so far."""
        return self._there.changes

    def get(self, one: str) -> Manifest | None:
        """An object by id."""
        return self._there.all.get(one)

    def every(self) -> list[Manifest]:
        """All objects."""
        return list(self._there.all.values())

    def numbers(self, part: Iterable[Manifest]) -> tuple[int, ...]:
        """The same for parts of the same objects in the same state."""
        return tuple(self._there.numbers[manifest.id] for manifest in part)

    def add(self, manifest: Manifest) -> None:
        """An object that is new, or is otherwise than it was."""
        self._there.add(manifest)

    def remove(self, one: str) -> None:
        """An object that is no longer there, by id."""
        self._there.remove(one)

    def has_twin(self, manifest: Manifest) -> bool:
        """Whether an object differs from one that is there in nothing that is judged.

        That is a further pod of a controller that the cluster has.
        """
        above = [*owners(manifest)]
        if manifest.kind != "Pod" or manifest.spec.get("nodeName"):
            return False
        if not any(owner in self._there.all for owner in above):
            return False
        space = self._there.spaces.get(manifest.namespace)
        twins = space.alike.get(shape_of(manifest), {}) if space else {}
        return any(one != manifest.id for one in twins)

    def of(self, manifest: Manifest) -> list[Manifest] | None:
        """The objects that decide what a change of one does; None where all of them do.

        Args:
            manifest: as it will be, or as it was where it goes; with namespace and id.
        """
        former = self._there.all.get(manifest.id, manifest)
        here = manifest.namespace
        if not here or SYSTEM.fullmatch(here) or any(map(_unfit, (manifest, former))):
            return None
        if here in self._there.spaces and self._there.spaces[here].foreign:
            return None
        if not self._there.mesh and any(map(MESHED.search, self._there.labels(here) or ())):
            return None  # it may be the first that a mesh would take
        placed = any(m.kind == "Pod" and m.spec.get("nodeName") for m in (manifest, former))
        workload = (manifest.kind, manifest.group) in MAKERS
        alone = workload and not (placed or self._there.mesh)
        linked = set() if alone else {here, *self._linked(manifest)}
        found: dict[str, None] = {}
        for name, space in self._there.spaces.items():
            if not name or space.foreign or SYSTEM.fullmatch(name):
                found.update(dict.fromkeys(space.objects))
            elif name in linked or self._there.reaching or self._there.labels(name) is None:
                found.update(space.loose)
                found.update(dict.fromkeys(self._there.owned(space, manifest.id, whole=placed)))
            else:
                found.update(space.anywhere)
        if workload:
            found |= around(self._there, manifest, former)
        if alone:
            return [self._there.all[one] for one in found]
        found.update(dict.fromkeys((manifest.id, *self._there.below(manifest.id))))
        admitting = [*self._admitting(manifest, former)]
        found.update(dict.fromkeys(admitting))
        found.update(dict.fromkeys(self._represented(admitting)))
        found.update(dict.fromkeys(self._admitted(manifest, former)))
        return [self._there.all[one] for one in found if one in self._there.all]

    def _linked(self, manifest: Manifest) -> Iterator[str]:
        """The namespaces whose objects name the object or a Service of it, or that it names."""
        mine = {manifest.id: manifest}
        space = self._there.spaces.get(manifest.namespace)
        if space and (manifest.kind, manifest.group) in _WHOLE_NAMESPACE:
            mine |= {one: self._there.all[one] for one in space.loose}
        spoken = {*words(manifest.object), *self._there.words.get(manifest.id, ())}
        for one in mine:
            spoken |= self._there.words.get(one, frozenset())
        yield from (name for name in self._there.spaces if name in spoken)
        names = {m.name for m in (*mine.values(), *self._there.services(manifest))}
        for name in names:
            for one in self._there.naming(name):
                if manifest.namespace in self._there.words[one]:
                    yield self._there.all[one].namespace

    def _admitting(self, *states: Manifest) -> Iterator[str]:
        """Policies of other namespaces that name the pods, beside what decides about these."""
        here = states[0].namespace
        labels = self._there.labels(here)
        pods = [strings(pod_metadata(state).get("labels")) for state in states]
        found: dict[str, list[Selector | None]] = {}
        for one, peers in self._there.peers.items():
            policy = self._there.all[one]
            if policy.namespace != here and any(
                (labels is None or space is None or space.matches(labels))
                and any(pod is None or pod.matches(each) for each in pods)
                for space, pod in peers
            ):
                yield one
                found.setdefault(policy.namespace, []).append(self._there.selects[one])
        for name, selectors in found.items():
            selected = [*self._there.selected(name, selectors)]
            yield from selected
            yield from self._there.about(name, selected)

    def _represented(self, ids: Sequence[str]) -> Iterator[str]:
        """Of the other pods that policies name, one of each kind: that they are there counts."""
        for one in ids:
            for pod in self._there.own_peers.get(one, ()):
                yield from self._there.representatives(self._there.all[one].namespace, pod)
            for space, pod in self._there.peers.get(one, ()):
                for name in self._there.spaces.keys() - {""}:
                    labels = self._there.labels(name)
                    if labels is None or space is None or space.matches(labels):
                        yield from self._there.representatives(name, pod)

    def _admitted(self, manifest: Manifest, former: Manifest) -> Iterator[str]:
        """Pods of other namespaces that policies here name.

        That they are there counts, and what they call their ports. All of them count only where
        the policy itself changes.
        """
        here = self._there.spaces.get(manifest.namespace)
        policies = (
            [self._there.peers[one] for one in here.loose if one in self._there.peers]
            if here
            else []
        )
        peers = {peer for known in policies for peer in known}
        if (manifest.kind, manifest.group) == POLICY:
            peers |= {*peers_of(manifest), *peers_of(former)}
        for name in self._there.spaces.keys() - {manifest.namespace, ""} if peers else ():
            labels = self._there.labels(name)
            for space, pod in peers:
                if labels is None or space is None or space.matches(labels):
                    if (manifest.kind, manifest.group) == POLICY:
                        yield from self._there.selected(name, [pod])
                    else:
                        yield from self._there.representatives(name, pod)


def _unfit(manifest: Manifest) -> bool:
    return (manifest.kind, manifest.group) not in _CHANGED or is_foreign(manifest)
