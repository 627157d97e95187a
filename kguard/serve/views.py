# SPDX-License-Identifier: Apache-2.0
"""In which state of the cluster is a request judged?

Of an object of an application the part that decides (`inventory.slices`), of everything else the
whole. The answer is the same.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from threading import Lock
from typing import Literal

import msgspec

from kguard import admission
from kguard.inventory.identity import identify
from kguard.inventory.slices import Slices
from kguard.model.manifests import Collected, Manifest

How = Literal["none", "slice", "whole"]

MAX_SILENT_SECONDS = 300.0
"""How long changes of a cluster may go unheard before nothing is decided by what is known of it."""


class Part(msgspec.Struct, frozen=True):
    """What a request is judged in."""

    how: How
    """`none`: it changes nothing that is judged; `slice`: a part of the cluster decides."""
    number: object = None
    """The same for the same state."""
    collected: Callable[[], Collected] = Collected


class View:
    """A cluster as it is known now. Other threads may tell it what changes.

    Args:
        collected: what was read; None until it is.
        sliced: whether parts of it may decide.
    """

    def __init__(self, collected: Collected | None = None, *, sliced: bool = True) -> None:
        self._lock = Lock()
        self._sliced = sliced
        self._base = Collected()
        self._slices = Slices()
        self._began = 0
        self._ready = False
        self._read = time.monotonic()
        self.lag: Callable[[], float] = lambda: time.monotonic() - self._read
        """Seconds since what is known was known to be current."""
        self._follows = False
        if collected is not None:
            self.replace(collected)

    def follow(self, lag: Callable[[], float]) -> None:
        """Somebody tells what changes in the cluster.

        Args:
            lag: gives the seconds since changes may go unheard; 0 while all are heard.
        """
        self.lag, self._follows = lag, True

    @property
    def stale(self) -> bool:
        """Whether the cluster may be another one by now; what was read once is meant as it is."""
        return self._follows and self.lag() > MAX_SILENT_SECONDS

    def replace(self, collected: Collected) -> None:
        """Everything was read anew."""
        effective, shadowed = identify(collected.manifests, "default")
        # What a folder holds twice is judged as such, and connections may be anybody's.
        told = shadowed or collected.flows or collected.documents or collected.ambiguous
        slices = Slices(effective)
        with self._lock:
            self._sliced = self._sliced and not told
            self._base, self._slices, self._ready = collected, slices, True
            self._began = slices.changes

    def put(self, manifest: Manifest) -> None:
        """An object is new or otherwise than it was."""
        identify([manifest], "")
        with self._lock:
            self._slices.add(manifest)

    def drop(self, manifest: Manifest) -> None:
        """An object is there no longer."""
        identify([manifest], "")
        with self._lock:
            self._slices.remove(manifest.id)

    def relisted(self, kind: str, group: str, manifests: list[Manifest]) -> None:
        """All objects of a kind, as they are now."""
        for manifest in manifests:
            identify([manifest], "")
        there = {manifest.id for manifest in manifests}
        with self._lock:
            gone = [
                known.id
                for known in self._slices.every()
                if (known.kind, known.group) == (kind, group) and known.id not in there
            ]
            for one in gone:
                self._slices.remove(one)
            for manifest in manifests:
                self._slices.add(manifest)

    @property
    def ready(self) -> bool:
        """Whether the cluster was read once."""
        return self._ready

    @property
    def size(self) -> int:
        """How many objects are known."""
        return len(self._slices)

    def whole(self) -> Part:
        """Everything."""
        with self._lock:
            if self._slices.changes == self._began:
                base = self._base
                return Part("whole", (self._began,), lambda: base)
            base, manifests = self._base, self._slices.every()
            number = (self._slices.changes,)
        return Part("whole", number, lambda: msgspec.structs.replace(base, manifests=manifests))

    def part(self, request: admission.Request, *, sliced: bool = True) -> Part:
        """What decides a request.

        Args:
            request: what somebody wants to do.
            sliced: False where policies look at objects themselves, of which any may count.
        """
        if admission.changes_nothing(request):
            return Part("none")
        if not (sliced and self._sliced):
            return self.whole()
        with self._lock:
            subject = admission.subject(request) if request.operation != "DELETE" else None
            subject = subject or self._slices.get(admission.identity(request))
            if subject is None:
                found = None
            elif request.operation == "CREATE" and self._slices.has_twin(subject):
                return Part("none")
            else:
                found = self._slices.of(subject)
            if found is not None:
                base, number = self._base, self._slices.numbers(found)
                return Part("slice", number, lambda: msgspec.structs.replace(base, manifests=found))
        return self.whole()
