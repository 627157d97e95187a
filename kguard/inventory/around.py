# SPDX-License-Identifier: Apache-2.0
"""Which objects of applications decide what a new, changed or deleted workload does?

Nothing but the workload changes, so that only what it meets can come out otherwise: the policies
that select it or name it, whom it calls, and who calls it. Each of these needs what it is judged by
itself: a policy the pods that it selects and names (whether they connect, and what they call their
ports), a caller whom it calls besides. Meshes are left out of this (`inventory.slices`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from kguard.inventory.applications import MAKERS, pod_metadata, words
from kguard.inventory.overlay import owners
from kguard.inventory.reaching import POLICY
from kguard.inventory.selectors import Selector
from kguard.inventory.standing import SERVICE, Standing
from kguard.model.manifests import Manifest, strings

_SETTINGS = ("ConfigMap", "")
_BACKENDS = frozenset({("Endpoints", ""), ("EndpointSlice", "discovery.k8s.io")})
_LEFT_OUT = MAKERS | _BACKENDS | {SERVICE, POLICY, _SETTINGS}
"""Of these kinds only the objects that the workload meets take part."""


def around(there: Standing, manifest: Manifest, former: Manifest) -> dict[str, None]:
    """The ids of the objects of applications that decide, those of the workload among them.

    Args:
        there: what there is.
        manifest: the workload as it will be, or as it was where it goes.
        former: as it is now; the same where it is new, or goes.
    """
    return _Around(there, manifest, former).found


class _Around:
    def __init__(self, there: Standing, manifest: Manifest, former: Manifest) -> None:
        self._there = there
        self._states = (manifest, former)
        self._itself, self._here = manifest.id, manifest.namespace
        self._pods = [strings(pod_metadata(state).get("labels")) for state in self._states]
        self.found: dict[str, None] = {}
        self._callers: dict[str, None] = {}
        """Workloads of which it must be known whom they call."""
        self._family()
        self._policies()
        self._called_by()
        self._calls()
        self._spaces()

    def _take(self, ids: Iterable[str]) -> list[str]:
        taken = [one for one in ids if one in self._there.all]
        self.found.update(dict.fromkeys(taken))
        return taken

    def _family(self) -> None:
        """The workload with what it controls and what controls it."""
        self._take([self._itself, *self._there.below(self._itself)])
        pending = [owner for state in self._states for owner in owners(state)]
        while pending:
            above = self._take(owner for owner in pending if owner not in self.found)
            pending = [owner for one in above for owner in owners(self._there.all[one])]

    def _policies(self) -> None:
        for one in self._take(self._deciding()):
            namespace, own = self._there.all[one].namespace, self._there.selects[one]
            self._take(self._there.representatives(namespace, own, self._itself))
            if self._alone(one):
                self._take(self._there.spaces[namespace].loose)
            for names, pod in self._named_by(one):
                self._peer(names, pod)
                if _tells_apart(pod):
                    self._concern(self._there.selected(namespace, [own]))

    def _peer(self, names: list[str], pod: Selector | None) -> None:
        """What there is of the pods that a policy names."""
        if not _tells_apart(pod):
            for name in names:
                self._take(self._there.representatives(name, pod, self._itself))
            return
        found = {one for name in names for one in self._there.selected(name, [pod])}
        self._concern(sorted(found))
        if not found - {self._itself}:
            # Pods that are not in the input may be meant as well, if anybody asks for them.
            self._take(self._there.astray(names))

    def _deciding(self) -> Iterator[str]:
        """The policies that select the workload, or name it as a peer."""
        mine = self._there.spaces.get(self._here)
        for one in mine.loose if mine else ():
            if one in self._there.own_peers:
                selectors = [self._there.selects[one], *self._there.own_peers[one]]
                if any(self._is(selector) for selector in selectors):
                    yield one
        labels = self._there.labels(self._here)
        for one, peers in self._there.peers.items():
            if any(
                self._is(pod) and (labels is None or _in(space, labels)) for space, pod in peers
            ):
                yield one

    def _is(self, selector: Selector | None) -> bool:
        return selector is None or any(selector.matches(each) for each in self._pods)

    def _named_by(self, one: str) -> Iterator[tuple[list[str], Selector | None]]:
        """The namespaces and pods that a policy names as peers."""
        for pod in self._there.own_peers[one]:
            yield [self._there.all[one].namespace], pod
        known = {name: self._there.labels(name) for name in self._there.spaces.keys() - {""}}
        for space, pod in self._there.peers.get(one, ()):
            yield [n for n, have in known.items() if have is None or _in(space, have)], pod

    def _alone(self, one: str) -> bool:
        """Whether a policy may select nothing any more: what looks like it is told then."""
        if self._itself not in self._there.all or self._there.all[one].namespace != self._here:
            return False
        selector = self._there.selects[one]
        return not any(
            other != self._itself for other in self._there.selected(self._here, [selector])
        )

    def _concern(self, workloads: Iterable[str]) -> None:
        """Workloads whose connections count, with the Services that lead to them."""
        for one in self._take(workloads):
            if one not in self._callers:
                self._callers[one] = None
                self._take(self._there.about(self._there.all[one].namespace, [one]))

    def _called_by(self) -> None:
        """Whatever names the workload or one of its Services."""
        names = {state.name for state in self._states}
        for state in self._states:
            services = [service.id for service in self._there.services(state)]
            self._take(services)
            names |= {self._there.all[one].name for one in services}
        for name in names:
            self._naming(self._here, name)

    def _naming(self, namespace: str, name: str) -> None:
        """What names an object, itself or by a ConfigMap of its namespace."""
        for one in [*self._there.naming(name)]:
            client = self._there.all[one]
            if client.namespace == namespace or namespace in self._there.words[one]:
                self._concern_if_workload(one)
                if (client.kind, client.group) == _SETTINGS:
                    for user in [*self._there.naming(client.name)]:
                        if self._there.all[user].namespace == client.namespace:
                            self._concern_if_workload(user)

    def _concern_if_workload(self, one: str) -> None:
        if one in self._there.pods:
            self._concern([one])
        else:
            self._take([one])

    def _calls(self) -> None:
        """Whom the workload calls, with all that decides there; and whom the others call."""
        for state in self._states:
            spoken = {*words(state.object), *self._there.words.get(state.id, ())}
            for called in self._called(self._here, spoken):
                self._concern([called])
                target = self._there.all[called]
                for service in (target, *self._there.services(target)):
                    self._naming(target.namespace, service.name)
        for one in [*self._callers]:
            for called in self._called(self._there.all[one].namespace, self._there.words[one]):
                self._take(self._there.about(self._there.all[called].namespace, [called]))

    def _called(self, namespace: str, spoken: Iterable[str]) -> list[str]:
        """The workloads that words may mean, seen from a namespace, and all that leads there."""
        found: dict[str, None] = {}
        seen: set[str] = set()
        pending = [(namespace, frozenset(spoken))]
        while pending:
            where, said = pending.pop()
            spaces = {where, *(self._there.spaces.keys() & said)}
            for space in spaces:
                for one in self._take(self._there.named(space, said)):
                    if one in seen:
                        continue
                    seen.add(one)
                    kind = (self._there.all[one].kind, self._there.all[one].group)
                    if one in self._there.pods:
                        found[one] = None
                    elif kind == SERVICE:
                        found.update(dict.fromkeys(self._behind(one)))
                    if kind == _SETTINGS or self._there.all[one].spec.get("externalName"):
                        pending.append((space, self._there.words[one]))
        return self._take(found)

    def _behind(self, service: str) -> Iterator[str]:
        """The workloads that a Service leads to; its endpoints take part."""
        known = self._there.all[service]
        if self._there.selects[service] is not None:
            yield from self._there.selected(known.namespace, [self._there.selects[service]])
        for one in self._there.naming(known.name):
            client = self._there.all[one]
            if client.namespace == known.namespace and (client.kind, client.group) in _BACKENDS:
                self._take([one])

    def _spaces(self) -> None:
        """What belongs to the namespaces that take part."""
        mine = self._there.spaces.get(self._here)
        if mine:
            self._take(one for one in mine.loose if self._kind(one) not in _LEFT_OUT)
            # What a namespace has (pods outside of a mesh, images) is judged of all its workloads.
            self._take(one for one in mine.loose if one in self._there.pods)
        for name in {self._there.all[one].namespace for one in self.found} - {""}:
            self._take(self._there.orphans(name))
        for one in [*self.found]:
            if one in self._there.pods:
                self._take(self._there.kinds_below(one))

    def _kind(self, one: str) -> tuple[str, str]:
        manifest = self._there.all[one]
        return manifest.kind, manifest.group


def _tells_apart(pod: Selector | None) -> bool:
    """Whether a peer means pods by their labels, and not a namespace as a whole."""
    return pod is not None and not pod.is_empty


def _in(space: Selector | None, labels: dict[str, str]) -> bool:
    return space is None or space.matches(labels)
