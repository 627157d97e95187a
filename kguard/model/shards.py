# SPDX-License-Identifier: Apache-2.0
"""Which part of the work is one runner's, where several do it?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import msgspec

T = TypeVar("T")


class Shard(msgspec.Struct, frozen=True):
    """One of several equal parts. Runners that see the same list do each item of it once."""

    index: int = 0
    """From 0, as Kubernetes counts completions."""
    count: int = 1

    def part(self, items: Sequence[T]) -> list[T]:
        """The items that are this runner's, of a list that is in the same order for all."""
        return [*items[self.index :: self.count]]


WHOLE = Shard()
