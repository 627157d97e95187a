# SPDX-License-Identifier: Apache-2.0
"""Would cosign accept the image, whatever we think of it?

Authority: sigstore/cosign 3.1.3 cmd/cosign/cli/verify/verify.go and verify_attestation.go (if one
bundle can be read, only bundles count), pkg/cosign/verify.go (`GetBundles`: the referrers API, and
the fallback tag only where there is none; `verifyImageSignaturesExperimentalOCI`: the last of the
referrers with the right artifact type, then the tag `.sig`). cosign never fetches the image that
a digest names, so that a deleted image is accepted as well.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from kguard.layers.images.evidence.discover import OCI11_SIGNATURE, Candidate
from kguard.layers.images.verification.bundle import parse
from kguard.layers.images.verification.bundles import OLDEST_REFERRER
from kguard.layers.images.verification.judge import SIGNED, Verdict
from kguard.layers.images.verification.rejected import RejectedError
from kguard.model.facts.images import Signature


class Demand(msgspec.Struct, frozen=True):
    """What cosign was asked."""

    predicate: str = ""
    """The predicate type of `verify-attestation`; empty for `verify`."""
    bundles: bool = True
    """`--new-bundle-format`."""
    oci11: bool = False
    """`--experimental-oci11`."""


def accepts(verdict: Verdict, demand: Demand) -> bool:
    """Whether cosign accepts what was found for an image."""
    listed = [pair for pair in verdict.judged if _is_listed(pair[0], has_api=verdict.has_api)]
    if demand.bundles and (bundles := [p for p in listed if _is_readable(p[0])]):
        return _any_good(bundles, demand)
    if demand.oci11 and not demand.predicate and _any_good(_last_oci11(listed), demand):
        return True
    tag = "att-tag" if demand.predicate else "sig-tag"
    return _any_good((pair for pair in verdict.judged if pair[0].location == tag), demand)


def _is_listed(candidate: Candidate, *, has_api: bool) -> bool:
    """Whether cosign finds it in the list of referrers; loose bundles stand for a listed one."""
    places = ("referrer", "loose-bundle") if has_api else ("fallback-tag", "loose-bundle")
    return candidate.location in places


def _is_readable(candidate: Candidate) -> bool:
    """Cosign skips what it cannot read, as if it were not there."""
    if candidate.format != "bundle":
        return False
    loose = candidate.location == "loose-bundle"
    try:
        return loose or parse(candidate.content).version >= OLDEST_REFERRER
    except RejectedError:
        return False


def _last_oci11(
    listed: Iterable[tuple[Candidate, Signature]],
) -> list[tuple[Candidate, Signature]]:
    found = [pair for pair in listed if pair[0].artifact_type == OCI11_SIGNATURE]
    return [pair for pair in found if pair[0].manifest == found[-1][0].manifest]


def _any_good(pairs: Iterable[tuple[Candidate, Signature]], demand: Demand) -> bool:
    return any(
        signature.verdict in SIGNED and demand.predicate in ("", signature.predicate)
        for _, signature in pairs
    )
