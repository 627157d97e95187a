# SPDX-License-Identifier: Apache-2.0
"""Does a bundle hold, in the judgement of both implementations?"""

from __future__ import annotations

from typing import Protocol

from kguard.layers.images.verification.bundle import Bundle, parse
from kguard.layers.images.verification.rejected import RejectedError
from kguard.layers.images.verification.second import second_opinion
from kguard.layers.images.verification.verify import Checked, Material, verify_bundle

OLDEST_REFERRER = 3
"""cosign reads bundles of version 0.3 from registries; older ones only as files."""


class Check(Protocol):
    """Checks a bundle: `check_bundle`, or who does the same elsewhere."""

    def __call__(self, raw: bytes, digest: str, material: Material, *, listed: bool) -> Checked:
        """What it says, where it holds."""
        ...


def check_bundle(raw: bytes, digest: str, material: Material, *, listed: bool) -> Checked:
    """Check a bundle about an image.

    Args:
        raw: the bundle.
        digest: the digest of the image.
        material: what it is checked with.
        listed: whether it lies in a registry, and not in a file of its own.

    Raises:
        RejectedError: with the class of the first step that fails.
    """
    bundle = parse(raw)
    if bundle.version < OLDEST_REFERRER and listed:
        raise RejectedError("unsupported_format", "a bundle older than 0.3 is not read as referrer")
    if bundle.envelope is None and listed:
        raise RejectedError("unsupported_format", "it holds no statement about the image")
    try:
        found = verify_bundle(bundle, material, digest)
    except RejectedError as error:
        raise _other_key(bundle, material, error) from None
    second_opinion(bundle, material)
    return found


def _other_key(bundle: Bundle, material: Material, error: RejectedError) -> RejectedError:
    """A signature that fails with the key, and says itself that it is another key's."""
    if material.key is None or not bundle.hint or error.verdict != "tampered":
        return error
    if bundle.hint == material.key.hint:
        return error
    return RejectedError("wrong_identity", "it is signed with another key")
