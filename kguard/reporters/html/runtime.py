# SPDX-License-Identifier: Apache-2.0
"""What does the page show of Falco: installations, detections and nodes?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from kguard.reporters.html.cells import MAX_ROWS, name_of, rows, words


class Installation(msgspec.Struct, frozen=True):
    """One Falco."""

    name: str
    version: str
    rules: str
    delivered: str
    outputs: str


_YES_NO = {"true": "yes", "false": "no"}


class Detection(msgspec.Struct, frozen=True):
    """Something that an attacker does."""

    title: str
    state: str
    rule: str


class Node(msgspec.Struct, frozen=True):
    """A node, watched or not."""

    name: str
    state: str
    detail: str


class View(msgspec.Struct, frozen=True):
    """The section."""

    installations: tuple[Installation, ...]
    detections: tuple[Detection, ...]
    nodes: tuple[Node, ...]
    left_out: int


def view(facts: Mapping[str, Any]) -> View:
    """The section of a facts document."""
    nodes = rows(facts, "nodes")
    return View(
        installations=tuple(_installation(row) for row in rows(facts, "installations")),
        detections=tuple(_detection(row) for row in rows(facts, "detections")[:MAX_ROWS]),
        nodes=tuple(_node(row) for row in nodes[:MAX_ROWS]),
        left_out=max(len(nodes) - MAX_ROWS, 0),
    )


def _installation(row: Mapping[str, Any]) -> Installation:
    return Installation(
        name=name_of(row.get("ref")),
        version=str(row.get("version") or "unknown"),
        rules="{} of {} enabled, {} dead".format(
            *(row.get(key, 0) for key in ("enabled", "loaded", "dead"))
        ),
        delivered=_YES_NO.get(str(row.get("delivered")), "unknown"),
        outputs=", ".join(str(output) for output in row.get("outputs") or []) or "none",
    )


def _detection(row: Mapping[str, Any]) -> Detection:
    return Detection(str(row.get("title", "")), words(row.get("state")), str(row.get("rule") or ""))


def _node(row: Mapping[str, Any]) -> Node:
    return Node(name_of(row.get("ref")), words(row.get("state")), str(row.get("detail") or ""))
