# SPDX-License-Identifier: Apache-2.0
"""What does the page show of images: each with its signer and what stands in front of it?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from kguard.reporters.html.cells import MAX_ROWS, name_of, rows, words


class Image(msgspec.Struct, frozen=True):
    """One image as several workloads may run it."""

    image: str
    digest: str
    mutability: str
    signature: str
    signer: str
    enforcement: str
    workloads: tuple[str, ...]


_Line = tuple[str, str, str, str, str, str]
"""An image without the workloads that run it."""


class View(msgspec.Struct, frozen=True):
    """The section."""

    images: tuple[Image, ...]
    left_out: int


def view(facts: Mapping[str, Any]) -> View:
    """The section of a facts document: uses that look the same are one line."""
    lines: dict[_Line, list[str]] = {}
    for use in rows(facts, "uses"):
        lines.setdefault(_line(use), []).append(name_of(use.get("ref")))
    shown = [
        Image(*line, tuple(dict.fromkeys(names))) for line, names in list(lines.items())[:MAX_ROWS]
    ]
    return View(tuple(shown), len(lines) - len(shown))


def _line(use: Mapping[str, Any]) -> _Line:
    signer = str(use.get("signer") or "")
    if use.get("issuer"):
        signer += f" ({use['issuer']})"
    return (
        str(use.get("image", "")),
        str(use.get("digest") or ""),
        words(use.get("mutability")),
        words(use.get("signature")),
        signer,
        words(use.get("enforcement")),
    )
