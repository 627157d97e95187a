# SPDX-License-Identifier: Apache-2.0
"""What does the page show of audit logging: families of requests by level, with witnesses?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from kguard.reporters.html.cells import MAX_ROWS, name_of, rows, words


class Server(msgspec.Struct, frozen=True):
    """One API server's configuration."""

    name: str
    recording: str
    backend: str
    policy: str


class Family(msgspec.Struct, frozen=True):
    """A class of requests."""

    title: str
    floor: str
    level: str
    state: str
    witness: str
    """A request that is recorded too thinly, and the rule that does it."""


class Policy(msgspec.Struct, frozen=True):
    """One audit policy."""

    name: str
    state: str
    families: tuple[Family, ...]


class View(msgspec.Struct, frozen=True):
    """The section."""

    servers: tuple[Server, ...]
    policies: tuple[Policy, ...]


def view(facts: Mapping[str, Any]) -> View:
    """The section of a facts document."""
    return View(
        servers=tuple(_server(row) for row in rows(facts, "servers")[:MAX_ROWS]),
        policies=tuple(_policy(row) for row in rows(facts, "policies")[:MAX_ROWS]),
    )


def _server(row: Mapping[str, Any]) -> Server:
    return Server(
        name=name_of(row.get("ref")),
        recording=words(row.get("recording")),
        backend=words(row.get("backend")),
        policy=str(row.get("policy_file") or words(row.get("policy"))),
    )


def _policy(row: Mapping[str, Any]) -> Policy:
    return Policy(
        name=str(row.get("name") or name_of(row.get("ref"))),
        state=words(row.get("state")),
        families=tuple(_family(family) for family in rows(row, "families")),
    )


def _family(row: Mapping[str, Any]) -> Family:
    hole = next(iter(rows(row, "holes")), {})
    request = hole.get("witness") or {}
    witness = str(request.get("text", ""))
    if witness and hole.get("rule"):
        witness += f" ({hole['rule']})"
    return Family(
        title=str(row.get("title", "")),
        floor=str(row.get("floor", "")),
        level=str(row.get("level", "")),
        state=str(row.get("state", "unknown")),
        witness=witness,
    )
