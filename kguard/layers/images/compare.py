# SPDX-License-Identifier: Apache-2.0
"""What is better or worse about the images after a change?"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from kguard.layers.images.semantics.enforcement import STRENGTH
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
    changes = [*_uses(before.uses, after.uses), *_policies(before.policies, after.policies)]
    return Comparison(
        weaker=tuple(sorted(change for better, change in changes if not better)),
        stronger=tuple(sorted(change for better, change in changes if better)),
    )


def _uses(before: list[ImageUse], after: list[ImageUse]) -> Iterable[tuple[bool, Change]]:
    old = {_key(use): use for use in before}
    for use in after:
        was = old.get(_key(use))
        if was is None:
            continue
        place = f"{use.ref} ({use.container})"
        yield from _step(FIXED, was.mutability, use.mutability, place, "is named by")
        yield from _step(SIGNED, was.signature, use.signature, place, "its signature is")
        yield from _step(STRENGTH, was.enforcement, use.enforcement, place, "admission is")


def _key(use: ImageUse) -> tuple[ObjectRef, str, str]:
    return (use.ref, use.role, use.container)


def _policies(before: list[PolicyFact], after: list[PolicyFact]) -> Iterable[tuple[bool, Change]]:
    old = {(policy.ref, policy.rule): policy for policy in before}
    for policy in after:
        was = old.get((policy.ref, policy.rule))
        if was is None:
            continue
        yield from _step(ACTIONS, was.action, policy.action, str(policy.ref), "its action is")
        yield from _step(TRUSTS, was.trust, policy.trust, str(policy.ref), "it trusts")


def _step(
    order: Mapping[str, int], was: str, now: str, target: str, words: str
) -> Iterable[tuple[bool, Change]]:
    if was == now or was not in order or now not in order or order[was] == order[now]:
        return
    text = f"{words} {now.replace('_', ' ')}, was {was.replace('_', ' ')}"
    yield order[now] > order[was], Change(target, text)
