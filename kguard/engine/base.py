# SPDX-License-Identifier: Apache-2.0
"""What is asked of a Rego engine, and how is its answer checked?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol

import msgspec

from kguard.errors import EngineError, PolicyError
from kguard.model.facts.common import Evidence
from kguard.model.findings import Policy, RawFinding, Severity
from kguard.model.manifests import ObjectRef

Answers = Mapping[str, Sequence[Any]]
"""Per query path (`data.kguard.network.default_deny.deny`) the members of the set."""


class Failure(msgspec.Struct, frozen=True):
    """A policy that could not be evaluated; the others' results stay."""

    policy: str
    reason: str
    hint: str = ""


class Batch(msgspec.Struct, frozen=True):
    """One input document and the policies that judge it."""

    name: str
    """The layer, for messages."""
    input: bytes
    """The document as JSON."""
    policies: tuple[Policy, ...]


class Engine(Protocol):
    """Evaluates policies. Implementations start what they need lazily and are closed at the end."""

    def load(self, policies: Sequence[Policy], libraries: Mapping[str, str]) -> list[Failure]:
        """Compile policies and the modules that they import (path -> text)."""
        ...

    def evaluate(self, batch: Batch) -> tuple[dict[str, list[Any]], list[Failure]]:
        """The sets of all entry points of a batch, by query path, and what failed."""
        ...

    def close(self) -> None:
        """Stop what was started and remove what was put anywhere."""
        ...


def queries(policy: Policy) -> Iterator[tuple[str, bool]]:
    """The query paths of a policy, each with whether it yields unknowns."""
    yield f"data.{policy.package}.deny", False
    if policy.has_unknown:
        yield f"data.{policy.package}.unknown", True


def findings(policy: Policy, answers: Mapping[str, Sequence[Any]]) -> Iterator[RawFinding]:
    """Check the shape of what a policy returned.

    Raises:
        PolicyError: a member is not of the contract's shape.
    """
    for query, unknown in queries(policy):
        for member in answers.get(query, ()):
            yield _finding(policy, member, unknown=unknown)


class _Wire(msgspec.Struct, forbid_unknown_fields=True):
    target: ObjectRef
    message: str
    path: str = ""
    evidence: tuple[Evidence, ...] = ()
    severity: Severity | None = None


def _finding(policy: Policy, member: Any, *, unknown: bool) -> RawFinding:
    try:
        wire = msgspec.convert(member, _Wire)
    except msgspec.ValidationError as error:
        raise PolicyError(
            f"policy {policy.id} returned a finding of the wrong shape: {error}",
            where=policy.file,
            hint='a finding is {"target", "path", "message", "evidence", "severity"?}',
        ) from None
    return RawFinding(
        policy.id, wire.target, wire.path, wire.message, wire.evidence, wire.severity, unknown
    )


def require_set(query: str, value: Any) -> list[Any]:
    """The members of a set; anything else is an engine error, never "no findings".

    Raises:
        EngineError: the value is undefined or not a set.
    """
    if not isinstance(value, list):
        raise EngineError(
            f"{query} is {'undefined' if value is None else 'not a set'}",
            hint="an entry point is written `deny contains finding if { ... }`",
        )
    return value
