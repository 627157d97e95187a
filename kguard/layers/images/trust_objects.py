# SPDX-License-Identifier: Apache-2.0
"""Which authorities do the cluster's own TrustRoot objects name?

Authority: sigstore/policy-controller v0.13.1 pkg/apis/policy/v1alpha1/trustroot_types.go and
pkg/reconciler/trustroot/trustroot.go. A TUF repository that the object carries (`repository`) is
read; one that lies elsewhere (`remote`) is not asked for.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from kguard.layers.images.trust_repository import Target, read_repository
from kguard.layers.images.verification.certificates import der
from kguard.layers.images.verification.keys import load_pem
from kguard.layers.images.verification.log import key_details
from kguard.layers.images.verification.messages import standard_base64
from kguard.layers.images.verification.pem import certificates, decode
from kguard.layers.images.verification.rejected import RejectedError, missing, unsupported
from kguard.layers.images.verification.trusted_root import TrustedRoot, parse_root
from kguard.model.manifests import JsonObject, Manifest, mapping, sequence, strings

_ALWAYS = {"start": "1970-01-01T00:00:00Z"}
_PERIOD = {"validFor": _ALWAYS, "subject": {"organization": "", "commonName": ""}, "uri": ""}
MAX_CHAIN = 16


def read_trust_root(manifest: Manifest, now: datetime) -> TrustedRoot:
    """The authorities and logs of a TrustRoot, from its keys or its TUF repository.

    Args:
        manifest: the object.
        now: when the metadata of the repository must be good.

    Raises:
        RejectedError: it has none, or they cannot be used.
    """
    if repository := mapping(manifest.spec.get("repository")):
        return _from_targets(read_repository(repository, now))
    keys = mapping(manifest.spec.get("sigstoreKeys"))
    if not keys:
        raise missing("its TUF repository lies elsewhere and is not asked for (spec.remote)")
    return _from_keys(keys)


def _from_targets(targets: dict[str, Target]) -> TrustedRoot:
    """What policy-controller takes from a repository: one document, or files by their use."""
    if whole := targets.get("trusted_root.json"):
        return parse_root(whole.content)
    of_use: dict[str, list[str]] = {}
    for name in sorted(targets):
        of_use.setdefault(targets[name].use, []).append(_text(targets[name].content))
    if "Fulcio" not in of_use:
        raise missing("its TUF repository holds no certificate authority")
    return _from_keys(
        {
            "certificateAuthorities": [{"certChain": raw} for raw in of_use["Fulcio"]],
            "tLogs": [{"publicKey": raw} for raw in of_use.get("Rekor", ())],
            "ctLogs": [{"publicKey": raw} for raw in of_use.get("CTFE", ())],
            "timestampAuthorities": [{"certChain": raw} for raw in of_use.get("TSA", ())],
        }
    )


def with_authorities(roots: Sequence[TrustedRoot], pem: bytes) -> TrustedRoot:
    """A root with the logs of the first that is given, and authorities of its own.

    Each certificate that issued itself is one; the others may stand between it and a signer.

    Raises:
        RejectedError: there is no root, or no such certificate.
    """
    if not roots:
        raise missing("no trusted root is given, whose logs could count")
    try:
        found = certificates(pem)
    except RejectedError as error:
        raise unsupported(
            f"its certificate authorities are no certificates: {error.reason}"
        ) from None
    tops = [c for c in found if c.issuer == c.subject]
    between = [c for c in found if c.issuer != c.subject]
    if not tops:
        raise unsupported("none of its certificate authorities is a root")
    chains = [[*between, top] for top in tops]
    document = json.loads(roots[0].raw)
    document["certificateAuthorities"] = [
        {"certChain": {"certificates": [{"rawBytes": _text(der(c))} for c in chain]}, **_PERIOD}
        for chain in chains
    ]
    return parse_root(json.dumps(document).encode())


def _from_keys(keys: JsonObject) -> TrustedRoot:
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
