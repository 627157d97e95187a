# SPDX-License-Identifier: Apache-2.0
"""Signatures as `cosign sign --key` writes them, with a key of the test's own."""

from __future__ import annotations

import base64
import hashlib
import json

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec


class Signer:
    """A key and what it signs."""

    def __init__(self) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())

    @property
    def public(self) -> bytes:
        """PEM."""
        return self._key.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )

    def legacy(self, repository: str, digest: str) -> tuple[bytes, bytes]:
        """A payload, and the manifest that holds its signature."""
        identity = {"docker-reference": repository}
        critical = {
            "identity": identity,
            "image": {"docker-manifest-digest": digest},
            "type": "cosign container image signature",
        }
        payload = json.dumps({"critical": critical, "optional": None}).encode()
        signature = self._key.sign(payload, ec.ECDSA(hashes.SHA256()))
        layer = {
            "mediaType": "application/vnd.dev.cosign.simplesigning.v1+json",
            "digest": f"sha256:{hashlib.sha256(payload).hexdigest()}",
            "size": len(payload),
            "annotations": {
                "dev.cosignproject.cosign/signature": base64.b64encode(signature).decode()
            },
        }
        manifest = {"schemaVersion": 2, "config": {}, "layers": [layer]}
        return payload, json.dumps(manifest).encode()
