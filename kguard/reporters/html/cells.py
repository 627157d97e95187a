# SPDX-License-Identifier: Apache-2.0
"""How are facts read for a drawing, when they come from another version or are missing?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

MAX_ROWS = 400
"""Rows of one table; the JSON report and `kguard facts` have everything."""


def rows(facts: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    """A collection of the facts document; empty where it is missing."""
    found = facts.get(name)
    return [row for row in found if isinstance(row, dict)] if isinstance(found, list) else []


def name_of(ref: Any) -> str:
    """`Kind namespace/name` of an object reference."""
    if not isinstance(ref, dict):
        return ""
    place = "/".join(text for text in (ref.get("namespace"), ref.get("name")) if text)
    return f"{ref.get('kind', '')} {place}".strip()


def words(text: Any) -> str:
    """An enum's value as words."""
    return str(text or "").replace("_", " ")
