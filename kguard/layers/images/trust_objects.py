# SPDX-License-Identifier: Apache-2.0
"""Which authorities do the cluster's own TrustRoot objects name?

Authority: sigstore/policy-controller v0.13.1 pkg/apis/policy/v1alpha1/trustroot_types.go. Of a
TrustRoot that names a TUF repository the targets are not read: it is said that they are missing.
"""

from __future__ import annotations

import base64
import hashlib
import json
from typing import Any

from kguard.layers.images.verification.keys import load_pem
from kguard.layers.images.verification.log import key_details
from kguard.layers.images.verification.messages import standard_base64
from kguard.layers.images.verification.pem import decode
from kguard.layers.images.verification.rejected import missing, unsupported
from kguard.layers.images.verification.trusted_root import TrustedRoot, parse_root
from kguard.model.manifests import JsonObject, Manifest, mapping, sequence, strings

_ALWAYS = {"start": "1970-01-01T00:00:00Z"}
MAX_CHAIN = 16


def read_trust_root(manifest: Manifest) -> TrustedRoot:
    """The authorities and logs of a TrustRoot with keys of its own.

    Raises:
        RejectedError: it has none, or they cannot be used.
    """
    keys = mapping(manifest.spec.get("sigstoreKeys"))
    if not keys:
        raise missing("its TUF repository is not read here")
    document = {
        "mediaType": "application/vnd.dev.sigstore.trustedroot+json;version=0.1",
        "tlogs": [_log(entry) for entry in _entries(keys, "tLogs")],
        "ctlogs": [_log(entry) for entry in _entries(keys, "ctLogs")],
        "certificateAuthorities": [_chain(e) for e in _entries(keys, "certificateAuthorities")],
        "timestampAuthorities": [_chain(e) for e in _entries(keys, "timestampAuthorities")],
    }
    return parse_root(json.dumps(document).encode())


def _entries(keys: JsonObject, name: str) -> list[JsonObject]:
    return [mapping(entry) for entry in sequence(keys.get(name))]


def _log(entry: JsonObject) -> JsonObject:
    key = load_pem(_pem(entry.get("publicKey")))
    return {
        "baseUrl": strings(entry).get("baseURL", ""),
        "hashAlgorithm": "SHA2_256",
        "publicKey": {
            "rawBytes": _text(key.spki),
            "keyDetails": key_details(key.key)[0],
            "validFor": _ALWAYS,
        },
        "logId": {"keyId": _text(hashlib.sha256(key.spki).digest())},
    }


def _chain(entry: JsonObject) -> JsonObject:
    rest = _pem(entry.get("certChain")).strip()
    found: list[JsonObject] = []
    while rest and len(found) < MAX_CHAIN:
        block = decode(rest)
        if block is None:
            raise unsupported("a chain of certificates is no PEM")
        found.append({"rawBytes": _text(block[0])})
        rest = block[1].strip()
    return {
        "subject": {"organization": "", "commonName": "", **strings(entry.get("subject"))},
        "uri": strings(entry).get("uri", ""),
        "certChain": {"certificates": found},
        "validFor": _ALWAYS,
    }


def _pem(value: Any) -> bytes:
    """A field of type bytes, which Kubernetes writes as base64."""
    raw = standard_base64(value)
    if not raw:
        raise unsupported("a key or chain is missing, or no base64 text")
    return raw


def _text(raw: bytes) -> str:
    return base64.b64encode(raw).decode()
