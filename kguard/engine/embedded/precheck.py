# SPDX-License-Identifier: Apache-2.0
"""Which policies would make regorus hang or crash, as far as their text tells?

Measured on regorus 0.13.0: parsing nested literals takes exponential time (4 times longer for each
two levels), and recursion ends in a crash of the process.
"""

from __future__ import annotations

import re

MAX_NESTING = 8
"""Levels of brackets after which parsing takes too long."""

_NOISE = re.compile(r"#[^\n]*|\"(?:\\.|[^\"\\\n])*\"|`[^`]*`")
_OPEN, _CLOSE = "([{", ")]}"


def precheck(text: str) -> str | None:
    """Why a policy must not reach the engine, or None."""
    depth = deepest = 0
    for character in _NOISE.sub("", text):
        if character in _OPEN:
            depth += 1
            deepest = max(deepest, depth)
        elif character in _CLOSE:
            depth -= 1
    if deepest > MAX_NESTING:
        return f"brackets are nested {deepest} deep, more than {MAX_NESTING}"
    return None
