# SPDX-License-Identifier: Apache-2.0
"""What does the proof of a remedy say?"""

from __future__ import annotations

from typing import Literal

import msgspec

from kguard.model.findings import Assumed
from kguard.model.layer import Change
from kguard.model.remedies import Cannot, Create, Edit, Refused, WriteFile
from kguard.remediation.readings import Reading


class Closed(msgspec.Struct, frozen=True, order=True):
    """A finding that the remedies close."""

    fingerprint: str
    policy: str
    target: str
    message: str


class Remaining(msgspec.Struct, frozen=True, order=True):
    """An open finding that the remedies leave, with the reason."""

    fingerprint: str
    policy: str
    target: str
    message: str
    reason: str


class Flows(msgspec.Struct, frozen=True):
    """The intended flows of the input, and what has become of them.

    `allowed_after` counts those of the `intended` ones that are allowed with the remedies applied.
    Flows that only the input with its remedies shows (a new object asks for them) stand apart.
    """

    intended: int
    allowed_before: int
    allowed_after: int
    undecided: int = 0
    """Of the `intended` ones: to hosts outside, rules admit some addresses, nobody knows which."""
    added: int = 0
    """Flows that were not intended before."""
    added_allowed: int = 0


class Claims(msgspec.Struct, frozen=True, kw_only=True):
    """What the remedies do.

    `weakens`, `cuts` and `opens` are empty: proposals that would do any of it are in `refused`.
    """

    schema: Literal["kguard/proof/v1"] = "kguard/proof/v1"

    closes: tuple[Closed, ...]
    remaining: tuple[Remaining, ...]
    refused: tuple[Refused, ...]
    cannot: tuple[Cannot, ...]
    flows: Flows
    stronger: tuple[Change, ...]
    weakens: tuple[Change, ...]
    cuts: tuple[Change, ...]
    opens: tuple[Change, ...]
    new_findings: tuple[Closed, ...]
    second_run_empty: bool
    assumed: dict[str, Assumed]
    at: str
    inputs: tuple[str, ...]
    objects: int
    edges: Flows = Flows(0, 0, 0)
    """The intended calls between workloads as the mesh carries them: those that work."""
    lesser_findings: tuple[Closed, ...] = ()
    """New findings below medium: no harm, but said."""
    next_findings: tuple[Remaining, ...] = ()
    """New findings that are the next rung of a ladder: what a closed finding was hiding."""
    readings: tuple[Reading, ...] = ()
    """The same proof as each network plugin reads the policies, where it is not known which one
    runs."""


class Proof(Claims, frozen=True, kw_only=True):
    """Evidence that the remedies do what they claim."""

    accepted: tuple[Create | Edit | WriteFile, ...] = ()


class Accepted(msgspec.Struct, frozen=True):
    """A proposal that was written; its content stands in the files beside the proof."""

    proposal: Literal["Create", "Edit", "WriteFile"]
    why: str
    closes: tuple[str, ...]
    """Fingerprints."""
    target: str


class Document(Claims, frozen=True, kw_only=True):
    """The proof as `proof.json` holds it."""

    accepted: tuple[Accepted, ...]


_KINDS: dict[type, Literal["Create", "Edit", "WriteFile"]] = {
    Create: "Create",
    Edit: "Edit",
    WriteFile: "WriteFile",
}


def as_json(proof: Proof) -> str:
    """The proof as `proof.json`."""
    claims = {name: getattr(proof, name) for name in Claims.__struct_fields__}
    accepted = tuple(Accepted(_KINDS[type(p)], p.why, p.closes, subject(p)) for p in proof.accepted)
    document = Document(**claims, accepted=accepted)
    return msgspec.json.format(msgspec.json.encode(document), indent=2).decode() + "\n"


def subject(proposal: Create | Edit | WriteFile) -> str:
    """What a proposal makes or changes, in words."""
    if isinstance(proposal, Create):
        metadata = proposal.object.get("metadata", {})
        place = f"{metadata['namespace']}/" if metadata.get("namespace") else ""
        return f"new {proposal.object.get('kind')} {place}{metadata.get('name', '')}"
    return _changed(proposal.ref) if isinstance(proposal, Edit) else f"file {proposal.name}"


def _changed(ref: str) -> str:
    """`Kind.group/namespace/name` as people say it; an object without a name is its file."""
    kind, _, rest = ref.partition("/")
    place, _, name = rest.partition("/")
    if "@" in ref:
        return f"change of {ref.partition('@')[2].rpartition(':')[0]}"
    whole = name if place == "-" else f"{place}/{name}"
    return f"change of {kind.partition('.')[0]} {whole}" if name else f"change of {ref}"
