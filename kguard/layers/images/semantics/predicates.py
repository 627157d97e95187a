# SPDX-License-Identifier: Apache-2.0
"""Which statements say "this image is signed" and nothing else?

Authority: sigstore/cosign pkg/types/predicate.go.
"""

from __future__ import annotations

SIGN_PREDICATES = ("https://sigstore.dev/cosign/sign/v1",)
"""Predicate types of mere signatures; every other type is an attestation."""
