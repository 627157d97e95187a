# SPDX-License-Identifier: Apache-2.0
"""Can the installed enforcer see this signature at all?

Every enforcer reads some of the formats in which images are signed; a good signature in another
format is refused like a missing one. The table names its source for every cell. Read in source
and in issue threads, not run: sigstore/policy-controller f925c0c (v0.15.1) pkg/webhook/
validator.go; kyverno/kyverno 1.18 and 1.19 with issues 16664, 16854, 16267, 17363;
containers/image docs/containers-policy.json.5.md.
"""

from __future__ import annotations

from collections.abc import Mapping

from kguard.model.facts.common import Truth

LEGACY_KEY, LEGACY_EMAIL, LEGACY_URI = "legacy-key", "legacy-email", "legacy-uri"
BUNDLE_KEY, BUNDLE_KEYLESS = "bundle-key", "bundle-keyless"

Reader = str
"""`policy-controller`, `policy-controller-bundle`, `kyverno-cosign`, `kyverno-bundle`,
`kyverno-image-policy` or `openshift`."""

_SEEN: Mapping[Reader, Mapping[str, Truth]] = {
    "policy-controller": {LEGACY_KEY: "true", LEGACY_EMAIL: "true", LEGACY_URI: "true"},
    "policy-controller-bundle": {BUNDLE_KEYLESS: "true"},
    "kyverno-cosign": {LEGACY_KEY: "true", LEGACY_EMAIL: "true", LEGACY_URI: "true"},
    "kyverno-bundle": {BUNDLE_KEYLESS: "true"},
    "kyverno-image-policy": {
        LEGACY_KEY: "true",
        LEGACY_EMAIL: "true",
        LEGACY_URI: "true",
        BUNDLE_KEYLESS: "true",
        BUNDLE_KEY: "unknown",
    },
    "openshift": {LEGACY_KEY: "true", LEGACY_EMAIL: "true"},
}
"""What is not listed is not seen. `unknown`: it depends on the version (1.18.1 sees bundles signed
with keys, 1.19.0 does not)."""


def kind_of(form: str, signer: str, issuer: str) -> str:
    """The row of the table for a signature; empty for other formats."""
    if form == "bundle":
        return BUNDLE_KEYLESS if issuer else BUNDLE_KEY
    if form != "legacy":
        return ""
    if not issuer:
        return LEGACY_KEY
    return LEGACY_URI if "://" in signer else LEGACY_EMAIL


def sees(reader: Reader, kind: str) -> Truth:
    """Whether an enforcer sees a signature of this kind."""
    if reader not in _SEEN or not kind:
        return "unknown"
    return _SEEN[reader].get(kind, "false")
