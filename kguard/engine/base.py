# SPDX-License-Identifier: Apache-2.0
"""What is asked of a Rego engine, and how is its answer checked?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Protocol

import msgspec

from kguard.errors import EngineError, PolicyError
from kguard.model.facts.common import Evidence
from kguard.model.findings import Policy, RawFinding, Severity
from kguard.model.manifests import ObjectRef

Answers = Mapping[str, bytes]
"""Per query path (`data.kguard.network.default_deny.deny`) the set, as a JSON array."""


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

    def evaluate(self, batch: Batch) -> Iterator[tuple[Policy, Answers | Failure]]:
        """The sets of each policy's entry points or why there are none, as they become known.

        Policies that could not be loaded are left out: `load` has named them.
        """
        ...

    def close(self) -> None:
        """Stop what was started and remove what was put anywhere."""
        ...


def without(policies: Sequence[Policy], broken: Mapping[str, str]) -> Iterator[Failure]:
    """The policies that fail because a module cannot be loaded (path -> reason), and why."""
    for policy in policies:
        for path in (policy.file, *policy.modules):
            if path in broken:
                yield Failure(policy.id, broken[path])
                break


def queries(policy: Policy) -> Iterator[tuple[str, bool]]:
    """The query paths of a policy, each with whether it yields unknowns."""
    yield f"data.{policy.package}.deny", False
    if policy.has_unknown:
        yield f"data.{policy.package}.unknown", True


class Verdict(msgspec.Struct, frozen=True):
    """What one policy found, or why that is not known."""

    raw: tuple[RawFinding, ...] = ()
    failure: Failure | None = None


_NOTHING = b"[]"
_CLEAN = Verdict()


def verdicts(engine: Engine, batch: Batch) -> Iterator[Verdict]:
    """What each policy of a batch found, as it becomes known."""
    for policy, answers in engine.evaluate(batch):
        if isinstance(answers, Failure):
            yield Verdict(failure=answers)
            continue
        if all(answer == _NOTHING for answer in answers.values()):
            yield _CLEAN
            continue
        try:
            yield Verdict(tuple(findings(policy, answers)))
        except PolicyError as error:
            yield Verdict(failure=Failure(policy.id, str(error), error.hint))


def findings(policy: Policy, answers: Answers) -> Iterator[RawFinding]:
    """Check the shape of what a policy returned.

    Raises:
        PolicyError: a member is not of the contract's shape.
    """
    for query, unknown in queries(policy):
        for wire in _members(policy, answers.get(query, _NOTHING)):
            yield RawFinding(
                policy.id,
                wire.target,
                wire.path,
                wire.message,
                wire.evidence,
                wire.severity,
                unknown,
            )


class _Wire(msgspec.Struct, forbid_unknown_fields=True):
    target: ObjectRef
    message: str
    path: str = ""
    evidence: tuple[Evidence, ...] = ()
    severity: Severity | None = None


_DECODER = msgspec.json.Decoder(list[_Wire])


def _members(policy: Policy, answer: bytes) -> list[_Wire]:
    try:
        return _DECODER.decode(answer)
    except msgspec.ValidationError as error:
        raise PolicyError(
            f"policy {policy.id} returned a finding of the wrong shape: {error}",
            where=policy.file,
            hint='a finding is {"target", "path", "message", "evidence", "severity"?}',
        ) from None


def require_set(query: str, value: bytes | None) -> bytes:
    """The JSON of a set; anything else is an engine error, never "no findings".

    Raises:
        EngineError: the value is undefined or not a set.
    """
    if value is None or not value.lstrip().startswith(b"["):
        raise EngineError(
            f"{query} is {'undefined' if value is None else 'not a set'}",
            hint="an entry point is written `deny contains finding if { ... }`",
        )
    return value
