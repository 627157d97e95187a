# SPDX-License-Identifier: Apache-2.0
"""What is there in a cluster, and what leads from one object to another?"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TypeVar

from kguard.inventory.applications import (
    MAKERS,
    Ports,
    hosts,
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

SERVICE = ("Service", "")
_Key = TypeVar("_Key", str, bytes, tuple[str, str])
_Graph = dict[str, dict[str, None]]


class Space:
    """The objects of one namespace (or of none), by id."""

    def __init__(self) -> None:
        self.objects: dict[str, Manifest] = {}
        self.loose: dict[str, None] = {}
        """Those that nothing owns."""
        self.alike: dict[bytes, dict[str, None]] = {}
        """Those that something owns, by all that does not tell twins apart."""
        self.foreign: dict[str, None] = {}
        self.anywhere: dict[str, None] = {}


class Standing:
    """One state of a cluster; changes are told to it one by one."""

    def __init__(self) -> None:
        self.all: dict[str, Manifest] = {}
        self.spaces: dict[str, Space] = {}
        self.words: dict[str, frozenset[str]] = {}
        """What could be parts of host names in an object that nothing owns."""
        self.pods: dict[str, tuple[dict[str, str], Ports]] = {}
        """Labels and ports of the pods that an object makes that nothing owns."""
        self.peers: dict[str, list[Peer]] = {}
        """Of policies that name pods of other namespaces, whom they name."""
        self.own_peers: dict[str, list[Selector | None]] = {}
        self.selects: dict[str, Selector | None] = {}
        """What policies and Services select; None for whatever it is."""
        self.numbers: dict[str, int] = {}
        self.reaching: dict[str, None] = {}
        self.mesh: dict[str, None] = {}
        """What shows a mesh, whoever is in it."""
        self.changes = 0
        """How many changes were told so far."""
        self._dependents: _Graph = {}
        self._naming: _Graph = {}
        self._named: dict[tuple[str, str], dict[str, None]] = {}
        self._shapes: dict[str, bytes] = {}
        self._hosts: dict[str, frozenset[tuple[str, str]]] = {}
        self._asking: _Graph = {}
        """What names a host of a namespace, by the name of the namespace."""

    def add(self, manifest: Manifest) -> None:
        """An object that is new, or is otherwise than it was."""
        one = manifest.id
        self.remove(one)
        self.all[one] = manifest
        self.changes += 1
        self.numbers[one] = self.changes
        space = self.spaces.setdefault(manifest.namespace, Space())
        space.objects[one] = manifest
        for holds, place in (
            (shows_mesh(manifest), self.mesh),
            (reaches(manifest), self.reaching),
            (is_foreign(manifest), space.foreign),
            ((manifest.kind, manifest.group) in ANYWHERE, space.anywhere),
        ):
            if holds:
                place[one] = None
        above = [*owners(manifest)]
        for owner in above:
            self._dependents.setdefault(owner, {})[one] = None
        if above:
            self._shapes[one] = shape = shape_of(manifest)
            space.alike.setdefault(shape, {})[one] = None
        else:
            space.loose[one] = None
            self._add_loose(manifest)

    def _add_loose(self, manifest: Manifest) -> None:
        one = manifest.id
        metadata = pod_metadata(manifest)
        if metadata or (manifest.kind, manifest.group) in MAKERS:
            self.pods[one] = strings(metadata.get("labels")), port_names(manifest)
        if one in self.pods or manifest.kind == "ConfigMap":
            self._hosts[one] = frozenset(hosts(manifest.object))
            for _, namespace in self._hosts[one]:
                self._asking.setdefault(namespace, {})[one] = None
        if (manifest.kind, manifest.group) == POLICY:
            if peers := [*peers_of(manifest)]:
                self.peers[one] = peers
            self.own_peers[one] = [*own_peers_of(manifest)]
            self.selects[one] = selector_of(manifest.spec.get("podSelector"))
        if (manifest.kind, manifest.group) == SERVICE:
            self.selects[one] = plain_selector(manifest.spec.get("selector"))
        if manifest.namespace:
            self.words[one] = frozenset(words(manifest.object))
            for word in self.words[one]:
                self._naming.setdefault(word, {})[one] = None
            for word in words(manifest.name):
                self._named.setdefault((manifest.namespace, word), {})[one] = None

    def remove(self, one: str) -> None:
        """An object that is no longer there, by id."""
        manifest = self.all.pop(one, None)
        if manifest is None:
            return
        self.changes += 1
        self.peers.pop(one, None)
        self.own_peers.pop(one, None)
        self.reaching.pop(one, None)
        self.mesh.pop(one, None)
        self.selects.pop(one, None)
        self.pods.pop(one, None)
        space = self.spaces[manifest.namespace]
        for place in (space.objects, space.loose, space.foreign, space.anywhere):
            place.pop(one, None)
        for owner in owners(manifest):
            _drop(self._dependents, owner, one)
        if one in self._shapes:
            _drop(space.alike, self._shapes.pop(one), one)
        for _, namespace in self._hosts.pop(one, ()):
            _drop(self._asking, namespace, one)
        for word in self.words.pop(one, ()):
            _drop(self._naming, word, one)
        for word in words(manifest.name):
            _drop(self._named, (manifest.namespace, word), one)

    def naming(self, word: str) -> Iterable[str]:
        """The objects in which a word stands."""
        return self._naming.get(word, ())

    def named(self, namespace: str, spoken: Iterable[str]) -> Iterator[str]:
        """The objects of a namespace whose names have any of some words."""
        for word in spoken:
            yield from self._named.get((namespace, word), ())

    def astray(self, namespaces: Iterable[str]) -> Iterator[str]:
        """What names Services that are not there: of some namespaces, or of none that is known."""
        known = self.spaces.keys() - {*namespaces}
        for namespace in self._asking.keys() - known:
            for one in self._asking[namespace]:
                names = (name for name, space in self._hosts[one] if space == namespace)
                if any(f"Service/{namespace}/{name}" not in self.all for name in names):
                    yield one

    def owned(self, space: Space, one: str, *, whole: bool) -> Iterator[str]:
        """Of twins that the same object controls, one, besides the object in question."""
        for twins in space.alike.values():
            first = next((twin for twin in twins if twin != one), None)
            if first is None:
                continue
            if whole or not any(owner in self.all for owner in owners(self.all[first])):
                yield from twins
            else:
                yield first

    def orphans(self, name: str) -> Iterator[str]:
        """What is controlled by something that is not there."""
        for twins in self.spaces[name].alike.values():
            if not any(owner in self.all for owner in owners(self.all[next(iter(twins))])):
                yield from twins

    def kinds_below(self, one: str) -> Iterator[str]:
        """Of what an object controls, one of each kind of twins."""
        return iter({self._shapes[each]: each for each in self.below(one)}.values())

    def below(self, one: str) -> Iterator[str]:
        """All that an object controls."""
        pending, seen = [one], {one}
        while pending:
            for below in self._dependents.get(pending.pop(), ()):
                if below not in seen:
                    seen.add(below)
                    pending.append(below)
        return iter(sorted(seen - {one}))

    def about(self, name: str, workloads: Sequence[str]) -> Iterator[str]:
        """The policies and Services of a namespace that select any of some workloads."""
        pods = [self.pods[one][0] for one in workloads]
        for one in self.spaces[name].loose:
            if one in self.selects:
                selector = self.selects[one]
                if selector is None or any(selector.matches(labels) for labels in pods):
                    yield one

    def representatives(self, name: str, pod: Selector | None, besides: str = "") -> Iterator[str]:
        """Of the workloads of a namespace that a selector selects, one for each set of ports.

        Args:
            name: of the namespace.
            pod: what is selected.
            besides: the id of a workload that does not count.
        """
        found = sorted(one for one in self.selected(name, [pod]) if one != besides)
        return iter({self.pods[one][1]: one for one in found}.values())

    def labels(self, namespace: str) -> dict[str, str] | None:
        """The labels of a namespace; None where they are not known."""
        known = self.all.get(f"Namespace/-/{namespace}")
        return {**known.labels, NAME_LABEL: namespace} if known else None

    def selected(self, name: str, selectors: Sequence[Selector | None]) -> Iterator[str]:
        """The workloads of a namespace that any of the selectors selects."""
        for one in self.spaces[name].loose:
            if one not in self.pods:
                continue
            labels, _ = self.pods[one]
            if any(selector is None or selector.matches(labels) for selector in selectors):
                yield one

    def services(self, manifest: Manifest) -> Iterator[Manifest]:
        """The Services of its namespace that lead to the pods of an object."""
        labels = strings(pod_metadata(manifest).get("labels"))
        space = self.spaces.get(manifest.namespace)
        for one in space.loose if space else ():
            if (self.all[one].kind, self.all[one].group) == SERVICE:
                selector = self.selects[one]
                if selector and selector.matches(labels):
                    yield self.all[one]


def _drop(graph: dict[_Key, dict[str, None]], key: _Key, one: str) -> None:
    found = graph.get(key)
    if found is not None:
        found.pop(one, None)
        if not found:
            del graph[key]
