# SPDX-License-Identifier: Apache-2.0
"""Can the installed enforcer see this signature at all?

Every enforcer reads some of the formats in which images are signed; a good signature in another
format is refused like a missing one. Every cell of the table says for which versions it holds,
where that stands, and whether anybody has run it here: so far all were read, in source or in issue
threads, and none was run.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from kguard.model.facts.common import Truth

LEGACY_KEY, LEGACY_EMAIL, LEGACY_URI = "legacy-key", "legacy-email", "legacy-uri"
BUNDLE_KEY, BUNDLE_KEYLESS, NOTATION = "bundle-key", "bundle-keyless", "notation"
INDEX_ONLY = "index-only"
KINDS = (
    LEGACY_KEY,
    LEGACY_EMAIL,
    LEGACY_URI,
    BUNDLE_KEY,
    BUNDLE_KEYLESS,
    NOTATION,
    INDEX_ONLY,
)

Reader = str
"""A column: an enforcer in one of its settings."""


class Cell(msgspec.Struct, frozen=True):
    """Whether an enforcer sees a kind of signature."""

    seen: Truth
    versions: str
    source: str
    run: bool = False
    """Whether it was tried against the enforcer itself."""

    @property
    def words(self) -> str:
        """Where the answer stands, in words."""
        how = "tried" if self.run else "read, not run"
        return f"{self.versions}: {self.source} ({how})"


def _column(
    versions: str, source: str, seen: tuple[str, ...], others: Mapping[str, Cell] | None = None
) -> dict[str, Cell]:
    """The cells of an enforcer: what it sees, what has a source of its own, and no for the rest."""
    found = {kind: Cell("true" if kind in seen else "false", versions, source) for kind in KINDS}
    return {**found, **(others or {})}


_LEGACY = (LEGACY_KEY, LEGACY_EMAIL, LEGACY_URI)
_AT_INDEX = "the digest that the pod names is looked up, be it the index's or its child's"


def _at_index(versions: str) -> Cell:
    return Cell("unknown", versions, _AT_INDEX)


_CONTROLLER = "policy-controller up to 0.15.1"
_CONTROLLER_SOURCE = "sigstore/policy-controller f925c0c pkg/webhook/validation.go"
_KYVERNO, _KYVERNO_NEW = "Kyverno 1.18 to 1.19", "Kyverno 1.19.0"
_KYVERNO_SOURCE = "kyverno/kyverno issue 16854"
_CONTAINERS = "containers/image up to 5.36"
_CONTAINERS_SOURCE = "containers/image docs/containers-policy.json.5.md"

MATRIX: Mapping[Reader, Mapping[str, Cell]] = {
    "policy-controller": _column(
        _CONTROLLER, _CONTROLLER_SOURCE, _LEGACY, {INDEX_ONLY: _at_index(_CONTROLLER)}
    ),
    "policy-controller-bundle": _column(
        _CONTROLLER,
        _CONTROLLER_SOURCE,
        (BUNDLE_KEYLESS,),
        {INDEX_ONLY: _at_index(_CONTROLLER)},
    ),
    "kyverno-cosign": _column(
        _KYVERNO, _KYVERNO_SOURCE, _LEGACY, {INDEX_ONLY: _at_index(_KYVERNO)}
    ),
    "kyverno-bundle": _column(
        _KYVERNO,
        "kyverno/kyverno issue 16267",
        (BUNDLE_KEYLESS,),
        {INDEX_ONLY: _at_index(_KYVERNO)},
    ),
    "kyverno-notary": _column(
        _KYVERNO,
        "kyverno/kyverno api/kyverno/v1/image_verification_types.go",
        (NOTATION,),
        {INDEX_ONLY: _at_index(_KYVERNO)},
    ),
    "kyverno-image-policy": _column(
        _KYVERNO_NEW,
        "kyverno/kyverno 111e07b pkg/imageverification",
        (*_LEGACY, BUNDLE_KEYLESS, NOTATION),
        {
            BUNDLE_KEY: Cell(
                "unknown", "Kyverno 1.18.1: yes, 1.19.0: no", "kyverno/kyverno issue 17363"
            ),
            INDEX_ONLY: _at_index(_KYVERNO_NEW),
        },
    ),
    "openshift": _column(_CONTAINERS, _CONTAINERS_SOURCE, (LEGACY_KEY, LEGACY_EMAIL)),
    "connaisseur": _column(
        "Connaisseur 3",
        "sse-secure-systems/connaisseur docs/validators/sigstore_cosign.md",
        _LEGACY,
        {INDEX_ONLY: _at_index("Connaisseur 3")},
    ),
    "ratify": _column(
        "Ratify 1",
        "notaryproject/ratify issue 1314",
        (LEGACY_KEY, LEGACY_EMAIL, LEGACY_URI, NOTATION),
        {INDEX_ONLY: _at_index("Ratify 1")},
    ),
}
"""By reader and kind of signature. What depends on the version is `unknown`."""


def kind_of(form: str, signer: str, issuer: str) -> str:
    """The row of the table for a signature; empty for other formats."""
    if form == "bundle":
        return BUNDLE_KEYLESS if issuer else BUNDLE_KEY
    if form == "notation":
        return NOTATION
    if form != "legacy":
        return ""
    if not issuer:
        return LEGACY_KEY
    return LEGACY_URI if "://" in signer else LEGACY_EMAIL


def cell_of(reader: Reader, kind: str) -> Cell | None:
    """The cell of the table; None where there is none."""
    return MATRIX.get(reader, {}).get(kind)


def sees(reader: Reader, kind: str) -> Truth:
    """Whether an enforcer sees a signature of this kind."""
    cell = cell_of(reader, kind)
    return cell.seen if cell else "unknown"
