# SPDX-License-Identifier: Apache-2.0
"""Which files did the kustomizations of one side of a change list, that those of the other do not?

A file that is no longer listed is no longer applied, although it still lies there.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from kguard.sources.files import File, Listing


class Listed:
    """What the earlier side lists, by names that are the same on both sides.

    Args:
        top: the working tree that both sides are states of; None where each side is one input,
            whatever it is called.
    """

    def __init__(self, top: Path | None = None) -> None:
        self._top = top
        self._names: set[str] = set()
        self._complete = False

    def end(self) -> None:
        """The earlier side was read whole."""
        self._complete = True

    def told(self, files: Iterable[File], listing: Listing) -> None:
        """Files that a kustomization lists."""
        if not self._complete:
            self._names.update(self._name(file, listing) for file in files)

    def dropped(self, file: File, listing: Listing) -> bool:
        """Whether a file that no kustomization lists was listed on the earlier side."""
        return self._complete and self._name(file, listing) in self._names

    def _name(self, file: File, listing: Listing) -> str:
        if self._top is None:
            return file.display.removeprefix(f"{listing.display}/")
        path = Path(file.path)
        inside = path.is_relative_to(self._top)
        return path.relative_to(self._top).as_posix() if inside else file.display
