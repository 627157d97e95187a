# SPDX-License-Identifier: Apache-2.0
"""What does the Sigstore conformance suite expect of a bundle, and what do we say?"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from kguard.layers.images.trust import public_root
from kguard.layers.images.verification.bundle import parse
from kguard.layers.images.verification.keys import load_pem
from kguard.layers.images.verification.rejected import RejectedError
from kguard.layers.images.verification.second import second_opinion
from kguard.layers.images.verification.trusted_root import parse_root
from kguard.layers.images.verification.verify import Material, verify_bundle

Point = tuple[str, Any, Any]
FOLDER = "sigstore-conformance"
NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
_SUBJECT = (
    "https://github.com/sigstore-conformance/extremely-dangerous-public-oidc-beacon/"
    ".github/workflows/extremely-dangerous-oidc-beacon.yml@refs/heads/main"
)
_ISSUER = "https://token.actions.githubusercontent.com"


def bundles(folder: Path) -> Iterator[Point]:
    """Acceptance of every bundle of the suite."""
    for case in sorted((folder / "bundle-verify").iterdir()):
        if case.is_dir():
            yield case.name, not case.name.endswith("_fail"), _accepts(case)


def _accepts(case: Path) -> bool:
    artifact = _read(case / "artifact", (case.parent / "a.txt").read_bytes())
    digest = f"sha256:{hashlib.sha256(artifact).hexdigest()}"
    key, root = case / "key.pub", case / "trusted_root.json"
    try:
        material = Material(
            parse_root(root.read_bytes()) if root.exists() else public_root(),
            load_pem(key.read_bytes()) if key.exists() else None,
            NOW,
        )
        bundle = parse((case / "bundle.sigstore.json").read_bytes())
        found = verify_bundle(bundle, material, digest)
        second_opinion(bundle, material)
    except RejectedError:
        return False
    if found.identity is None:
        return key.exists()
    subject = _read(case / "identity", _SUBJECT.encode()).decode().strip()
    issuer = _read(case / "issuer", _ISSUER.encode()).decode().strip()
    return (found.identity.subject, found.identity.issuer) == (subject, issuer)


def _read(path: Path, default: bytes) -> bytes:
    return path.read_bytes() if path.exists() else default


SUITES = {"sigstore bundle-verify": bundles}
