# SPDX-License-Identifier: Apache-2.0
"""What does `sigstore`, the Python library, say of a bundle?"""

from __future__ import annotations

from datetime import timedelta
from functools import lru_cache
from typing import Any

ROOT, BUNDLE = "root", "bundle"
"""What is at fault: the first word of an answer that is not empty."""
_MOST_REASON = 200


class _Anyone:
    """The identity is judged afterwards, and apart from the cryptography."""

    def verify(self, cert: Any) -> None:
        """Accept every certificate."""


def opinion(root: bytes, bundle: bytes, digest: bytes) -> str:
    """Why a bundle is not accepted: `root` or `bundle`, and a sentence; empty where it is.

    Args:
        root: a trusted_root.json.
        bundle: a bundle as JSON.
        digest: SHA-256 of the artifact that a message signature is about; empty for an envelope.
    """
    try:
        verifier = _verifier(root)
    except Exception as error:  # noqa: BLE001 - as below
        return f"{ROOT} {_sentence(error)}"
    try:
        _verify(verifier, bundle, digest)
    except Exception as error:  # noqa: BLE001 - the library raises what it likes on bad input
        return f"{BUNDLE} {_sentence(error)}"
    return ""


def _sentence(error: Exception) -> str:
    return " ".join(str(error).split())[:_MOST_REASON]


@lru_cache(maxsize=32)
def _verifier(root: bytes) -> Any:
    """A verifier for a root.

    `sigstore` leaves the last moment of a timestamp authority out, cosign counts it in: the
    authorities get one more second there. Our own verifier has looked at the real end.
    """
    from sigstore.models import TrustedRoot
    from sigstore.verify import Verifier
    from sigstore_models.trustroot.v1 import TrustedRoot as Message

    message = Message.from_json(root)
    for authority in message.timestamp_authorities or ():
        if authority.valid_for.end is not None:
            authority.valid_for.end += timedelta(seconds=1)
    return Verifier(trusted_root=TrustedRoot(message))


def _verify(verifier: Any, bundle: bytes, digest: bytes) -> None:
    from sigstore.hashes import Hashed
    from sigstore.models import Bundle
    from sigstore_models.common.v1 import HashAlgorithm

    parsed = Bundle.from_json(bundle)
    if digest:
        given = Hashed(algorithm=HashAlgorithm.SHA2_256, digest=digest)
        verifier.verify_artifact(given, parsed, _Anyone())
    else:
        verifier.verify_dsse(parsed, _Anyone())
