# SPDX-License-Identifier: Apache-2.0
"""On which line and column of the file does a character of a chunk stand?"""

from __future__ import annotations

from bisect import bisect_right

from kguard.model.locations import Span


class Lines:
    """Line starts of a text whose first line is line `first_line` of its file.

    Only line feeds count, as in editors: YAML's other line breaks do not.
    """

    def __init__(self, text: str, first_line: int) -> None:
        self._first_line = first_line
        self._starts = [0]
        self._length = len(text)
        position = text.find("\n")
        while position >= 0:
            self._starts.append(position + 1)
            position = text.find("\n", position + 1)

    def place(self, index: int) -> tuple[int, int]:
        """1-based line and column of the character at `index`."""
        index = min(index, self._length)
        line = bisect_right(self._starts, index) - 1
        return self._first_line + line, index - self._starts[line] + 1

    def span(self, start: int, end: int) -> Span:
        """The region from `start` to before `end`."""
        line, column = self.place(start)
        end_line, end_column = self.place(max(start, end))
        return Span(line, column, end_line, end_column)
