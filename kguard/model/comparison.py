# SPDX-License-Identifier: Apache-2.0
"""What is different between two states of the same objects?"""

from __future__ import annotations

from typing import Literal

import msgspec

from kguard.model.facts.common import Evidence
from kguard.model.manifests import ObjectRef

EffectKind = Literal["weaker", "opened", "cut", "stronger"]
KINDS: tuple[EffectKind, ...] = ("weaker", "opened", "cut", "stronger")
"""In the order in which people want to read them."""


class Change(msgspec.Struct, frozen=True, order=True, omit_defaults=True):
    """One difference of effect between two facts documents, in words about the user's objects."""

    target: str
    text: str
    evidence: tuple[Evidence, ...] = ()
    """What decides after the change."""
    before: tuple[Evidence, ...] = ()
    """What decided before it."""
    sentence: str = ""
    """The effect as a sentence in which `{}` stands for the subject; empty: target and text."""
    subject: str = ""
    """What is in force less or more; empty: the target. Subjects of one sentence are listed."""
    implied: bool = False
    """Whether another change of the same comparison says as much, and how it comes about."""


class Comparison(msgspec.Struct, frozen=True):
    """What is different after a change, in the partial orders of a layer."""

    weaker: tuple[Change, ...] = ()
    """Something that was protected is protected less."""
    stronger: tuple[Change, ...] = ()
    cut: tuple[Change, ...] = ()
    """An intended flow, caller or operation that worked no longer does."""
    opened: tuple[Change, ...] = ()
    """Something is reachable or accepted that was not before."""


class Gone(msgspec.Struct, frozen=True):
    """A finding that is no longer there."""

    fingerprint: str
    policy: str
    severity: str
    target: ObjectRef
    message: str
    since: str
    """Since when it was there."""


class Expired(msgspec.Struct, frozen=True):
    """A finding whose waiver held at the audit before and holds no longer."""

    fingerprint: str
    until: str
    """Until when it was accepted; empty where the waiver was withdrawn before its time."""


class Drift(msgspec.Struct, frozen=True, kw_only=True):
    """What is different since the last audit that the history holds."""

    before: str
    """The time of that audit."""
    effects: Comparison | None
    """None where its facts are not kept, or of another version's shape."""
    new: tuple[str, ...]
    """Fingerprints of findings that no audit had before."""
    reopened: tuple[str, ...]
    """Fingerprints of findings that had been there, were gone, and came back."""
    expired: tuple[Expired, ...]
    fixed: tuple[Gone, ...]
