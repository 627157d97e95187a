# SPDX-License-Identifier: Apache-2.0
"""Is an image signed by someone trusted, as far as the given evidence tells?"""

from __future__ import annotations

import msgspec

from kguard.layers.images.semantics.references import Reference
from kguard.model.facts.common import Evidence
from kguard.model.facts.images import Signature, SignatureClass
from kguard.model.layer import Request


class Assessment(msgspec.Struct, frozen=True):
    """What is known about the signatures of one image."""

    signature: SignatureClass
    reason: str
    signer: str = ""
    issuer: str = ""
    format: str = ""
    location: str = ""
    signatures: tuple[Signature, ...] = ()
    because: tuple[Evidence, ...] = ()


NOT_ASKED = Assessment("not_evaluated", "no evidence about signatures was given (--evidence)")


class Assessor:
    """Answers for images from the evidence folders of a request."""

    problems: list[str]
    trusted: list[str]
    images: int

    def digest_of(self, reference: Reference) -> str:
        """What the tag of a reference named when the evidence was collected; empty if unknown."""
        raise NotImplementedError(reference)

    def assess(self, reference: Reference, digest: str) -> Assessment:
        """What is known about the signatures of an image."""
        raise NotImplementedError(reference, digest)


def open_assessor(request: Request) -> Assessor | None:
    """The assessor for the evidence that a request names; None where it names none."""
    del request
    return None
