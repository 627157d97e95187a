# SPDX-License-Identifier: Apache-2.0
"""In which state of the cluster is a request judged?

Of an object of an application the part that decides (`inventory.slices`), of everything else the
whole. The answer is the same.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from threading import Lock
from typing import Literal

import msgspec

from kguard import admission
from kguard.inventory.identity import identify
from kguard.inventory.slices import Slices
from kguard.model.manifests import Collected, Manifest

How = Literal["none", "slice", "whole"]


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
        self._current = time.monotonic()
        self._ready = False
        if collected is not None:
            self.replace(collected)

    def replace(self, collected: Collected) -> None:
        """Everything was read anew."""
        effective, shadowed = identify(collected.manifests, "default")
        # What a folder holds twice is judged as such, and connections may be anybody's.
        told = shadowed or collected.flows or collected.documents or collected.ambiguous
        slices = Slices(effective)
        with self._lock:
            self._sliced = self._sliced and not told
            self._base, self._slices, self._ready = collected, slices, True
            self._current = time.monotonic()

    def change(self, put: Iterable[Manifest], gone: Iterable[str]) -> None:
        """Some objects are new or otherwise, some are there no longer (ids)."""
        with self._lock:
            for manifest in put:
                self._slices.add(manifest)
            for one in gone:
                self._slices.remove(one)

    def is_current(self) -> None:
        """What is known is how it is now."""
        self._current = time.monotonic()

    @property
    def ready(self) -> bool:
        """Whether the cluster was read once."""
        return self._ready

    @property
    def age(self) -> float:
        """Seconds since what is known was known to be current."""
        return time.monotonic() - self._current

    @property
    def size(self) -> int:
        """How many objects are known."""
        return len(self._slices)

    def whole(self) -> Part:
        """Everything."""
        with self._lock:
            if not self._slices.changes or not self._changed():
                return Part("whole", (self._slices.changes,), lambda: self._base)
            base, manifests = self._base, self._slices.every()
            number = (self._slices.changes,)
        return Part("whole", number, lambda: msgspec.structs.replace(base, manifests=manifests))

    def _changed(self) -> bool:
        return self._slices.changes != len(self._base.manifests)

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
