# SPDX-License-Identifier: Apache-2.0
"""What is the digest of some bytes (OCI image specification, descriptor.md)?"""

from __future__ import annotations

import hashlib


def digest_of(raw: bytes) -> str:
    """`sha256:` and the hash in hexadecimal."""
    return f"sha256:{hashlib.sha256(raw).hexdigest()}"
