# SPDX-License-Identifier: Apache-2.0
"""How far are the questions to registries?"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable

EVERY_SECONDS = 5.0
"""The first word comes after as long, so that a short run says nothing."""


class Counts:
    """Counts images by registry, and tells now and then.

    Args:
        registries: the registry of each image that is asked for.
        tell: gets a sentence; None for nobody.
    """

    def __init__(self, registries: Iterable[str], tell: Callable[[str], None] | None) -> None:
        self._all = Counter(registries)
        self._done: Counter[str] = Counter()
        self._tell = tell
        self._next = time.monotonic() + EVERY_SECONDS

    def one(self, registry: str) -> None:
        """One more image is known."""
        self._done[registry] += 1
        if self._tell is None or time.monotonic() < self._next:
            return
        self._next = time.monotonic() + EVERY_SECONDS
        for name, count in sorted(self._all.items()):
            if 0 < self._done[name] < count:
                self._tell(f"{name}: {self._done[name]} of {count} images")
