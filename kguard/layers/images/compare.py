# SPDX-License-Identifier: Apache-2.0
"""What is better or worse about the images after a change?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec
from msgspec.structs import replace

from kguard.layers.images.semantics.enforcement import STRENGTH
from kguard.model.facts.common import Evidence
from kguard.model.facts.images import Facts, ImageUse, PolicyFact
from kguard.model.layer import Change, Comparison
from kguard.model.manifests import ObjectRef

FIXED: Mapping[str, int] = {
    "digest": 4,
    "resolved": 3,
    "version_tag": 2,
    "floating_tag": 1,
    "latest": 0,
}
"""How firmly a reference names bytes; `unknown` is comparable with nothing."""

SIGNED: Mapping[str, int] = {
    "verified": 4,
    "signed_via_index": 4,
    "verified_attestation_only": 3,
    "unjudged": 2,
    "wrong_identity": 1,
    "untrusted_root": 1,
    "expired_or_untimed": 1,
    "unsigned": 0,
    "tampered": 0,
    "not_found": 0,
}
"""How well an image is signed; what is unknown or was not asked is comparable with nothing."""

ACTIONS: Mapping[str, int] = {"enforce": 2, "warn": 1, "audit": 0}
TRUSTS: Mapping[str, int] = {"nobody": 3, "named": 2, "unanchored": 1, "everyone": 0}


def compare(before: Facts, after: Facts) -> Comparison:
    """The differences of effect, by image use and by policy."""
    uses = [*_uses(before.uses, after.uses)]
    admission = {step.better for step in uses if step.order is STRENGTH}
    policies = _policies(before.policies, after.policies)
    steps = [*uses, *(replace(step, implied=step.better in admission) for step in policies)]
    return Comparison(
        weaker=tuple(sorted(step.change for step in steps if not step.better)),
        stronger=tuple(sorted(step.change for step in steps if step.better)),
    )


class _Step(msgspec.Struct, frozen=True, kw_only=True):
    """What one thing was and is, where the two can be compared and differ."""

    order: Mapping[str, int]
    was: str
    now: str
    ref: ObjectRef
    words: str
    sentence: str
    """A sentence about `{}`, up to the value."""
    why: tuple[list[Evidence], list[Evidence]]
    """What decides after, and what decided before."""
    container: str = ""
    implied: bool = False
    """Whether the admission of an image tells the same."""

    @property
    def better(self) -> bool:
        return self.order[self.now] > self.order[self.was]

    @property
    def change(self) -> Change:
        now, was = self.now.replace("_", " "), self.was.replace("_", " ")
        place = f"container {self.container}: " if self.container else ""
        name = f"{self.ref.namespace}/{self.ref.name}" if self.ref.namespace else self.ref.name
        return Change(
            str(self.ref),
            f"{place}{self.words} {now}, was {was}",
            tuple(self.why[0]),
            tuple(self.why[1]),
            sentence=f"{self.sentence} {now}; before: {was}",
            subject=f"{name} ({self.container})" if self.container else name,
            implied=self.implied,
        )


def _step(order: Mapping[str, int], was: str, now: str, **rest: Any) -> Iterator[_Step]:
    known = was in order and now in order
    if known and order[was] != order[now]:
        yield _Step(order=order, was=was, now=now, **rest)


def _uses(before: list[ImageUse], after: list[ImageUse]) -> Iterator[_Step]:
    old = {_key(use): use for use in before}
    for use in after:
        was = old.get(_key(use))
        if was is None:
            continue
        one = {"ref": use.ref, "container": use.container}
        yield from _step(
            FIXED,
            was.mutability,
            use.mutability,
            words="is named by",
            sentence="the image of {} is named by",
            why=(use.because, was.because),
            **one,
        )
        yield from _step(
            SIGNED,
            was.signature,
            use.signature,
            words="its signature is",
            sentence="the signature of the image of {} is",
            why=(use.signature_because, was.signature_because),
            **one,
        )
        yield from _step(
            STRENGTH,
            was.enforcement,
            use.enforcement,
            words="admission is",
            sentence="the check of signatures at the admission of {} is",
            why=(use.enforcement_because, was.enforcement_because),
            **one,
        )


def _key(use: ImageUse) -> tuple[ObjectRef, str, str]:
    return (use.ref, use.role, use.container)


def _policies(before: list[PolicyFact], after: list[PolicyFact]) -> Iterator[_Step]:
    old = {(policy.ref, policy.rule): policy for policy in before}
    for policy in after:
        was = old.get((policy.ref, policy.rule))
        if was is None:
            continue
        yield from _step(
            ACTIONS,
            was.action,
            policy.action,
            ref=policy.ref,
            words="its action is",
            sentence="the action of {} is",
            why=(policy.action_because, was.action_because),
        )
        yield from _step(
            TRUSTS,
            was.trust,
            policy.trust,
            ref=policy.ref,
            words="it trusts",
            sentence="{} trusts",
            why=(policy.trust_because, was.trust_because),
        )
