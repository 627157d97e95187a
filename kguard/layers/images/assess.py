# SPDX-License-Identifier: Apache-2.0
"""What is one image's class in one store, counting the index that lists it?"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec

from kguard.layers.images.evidence.discover import Candidate, discover, look
from kguard.layers.images.evidence.store import Store, StoreError
from kguard.layers.images.verification.judge import Authorities, Verdict, judge

MAX_INDEXES = 16
"""Indexes that list one image and are looked at."""


def assess(
    store: Store,
    digest: str,
    authorities: Authorities,
    now: datetime,
    loose: Sequence[Candidate] = (),
    beside: Sequence[Store] = (),
) -> Verdict:
    """Look everywhere and judge what is found.

    An image that nobody signed counts as *signed via index* where the signature of an index that
    lists it holds: `cosign sign TAG` signs the index only. `loose` are bundles about the image
    that lie in no registry; with one the image itself need not be there. `beside` are further
    places where signatures, but no images lie.
    """

    def judged(digest: str, loose: Sequence[Candidate] = ()) -> Verdict:
        found = discover(store, digest)
        for place in beside:
            look(place, digest, found)
        found.candidates += loose
        found.served |= bool(loose)
        return judge(found, digest, authorities, now)

    own = judged(digest, loose)
    if own.signature != "unsigned":
        return own
    try:
        indexes = store.indexes_of(digest)
    except StoreError as error:
        reason = f"the image itself is not signed; of an index above it: {error.reason}"
        return msgspec.structs.replace(own, signature=error.verdict, reason=reason)
    for index in indexes[:MAX_INDEXES]:
        above = judged(index)
        if above.signature == "verified":
            reason = f"the image is not signed, the index {index} that lists it is: {above.reason}"
            return _of_index(above, own, signature="signed_via_index", reason=reason)
        if above.signature in _TOLD_OF_INDEX or above.signature.startswith("unknown_"):
            return _of_index(above, own, reason=f"only its index: {above.reason}")
    return own


_TOLD_OF_INDEX = ("unjudged", "wrong_identity")
"""Verdicts on an index that say more than that the image below it is not signed."""


def _of_index(above: Verdict, own: Verdict, **fields: Any) -> Verdict:
    """The index's verdict; what was found for the image itself stays as it is."""
    return msgspec.structs.replace(above, judged=own.judged, has_api=own.has_api, **fields)
