# SPDX-License-Identifier: Apache-2.0
"""What can a layer propose to close findings?

A remedy is a function `(RemedyRequest) -> Iterable[Proposal]` in the `REMEDIES` mapping of the
layer's `remedy` module, under the name that a policy's METADATA gives (`custom.remedy`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Literal

import msgspec

from kguard.model.findings import Finding
from kguard.model.manifests import JsonObject


class Operation(msgspec.Struct, frozen=True):
    """One edit inside a document, a subset of RFC 6902 (`add` to a sequence index inserts)."""

    op: Literal["add", "replace", "remove"]
    pointer: str
    value: Any = None


class Create(msgspec.Struct, frozen=True):
    """A new object."""

    object: JsonObject
    closes: tuple[str, ...]
    """Fingerprints of the findings that it is meant to close."""
    why: str


class Edit(msgspec.Struct, frozen=True):
    """A change of an object or plain document that the input holds.

    `ref` is `Manifest.id` or `PlainDocument.id`; pointers are relative to that object.
    """

    ref: str
    operations: tuple[Operation, ...]
    closes: tuple[str, ...]
    why: str


class WriteFile(msgspec.Struct, frozen=True):
    """A new file that is no Kubernetes object (an audit policy for the control plane's disk)."""

    name: str
    content: str
    closes: tuple[str, ...]
    why: str


class Refused(msgspec.Struct, frozen=True):
    """A remedy that exists but must not be applied: it would cut or open something."""

    findings: tuple[str, ...]
    reason: str
    counterexample: str = ""


class Cannot(msgspec.Struct, frozen=True):
    """No manifest closes the finding; `instead` says what does."""

    findings: tuple[str, ...]
    reason: str
    instead: str = ""


Proposal = Create | Edit | WriteFile | Refused | Cannot


PolicyKind = Literal["NetworkPolicy", "CiliumNetworkPolicy", "CalicoNetworkPolicy"]
"""In which kind of object connections are restricted (the last is `NetworkPolicy` of
`projectcalico.org`)."""


class RemedyRequest(msgspec.Struct, frozen=True):
    """What a remedy function gets: the open findings that name it, and what they were made of."""

    findings: tuple[Finding, ...]
    facts: Any
    """The layer's facts document (its struct)."""
    inventory: Any
    """`kguard.inventory.Inventory`."""
    stage: Literal["observe", "warn", "enforce"] = "enforce"
    open: tuple[Finding, ...] = ()
    """All open findings: what other remedies of this run are asked to close."""
    policy_kind: PolicyKind = "NetworkPolicy"
    tighten: bool = False
    """Whether flows that are allowed but never referenced may be cut."""
    at: str = ""
    """The time of the scan, as the report gives it: exceptions that a remedy makes expire."""


RemedyFunction = Callable[[RemedyRequest], Iterable[Proposal]]
