# SPDX-License-Identifier: Apache-2.0
"""Does an independent implementation accept the bundle, too?

`sigstore` is asked about every bundle of the common kind: one certificate, one log entry, a
certificate transparency timestamp. Before that the bundle is normalised: what is redundant and
unsigned (the label of the kind, the copies of a Rekor v2 entry) is rebuilt from what is signed,
and timestamps that are there twice are sent once, because cosign does not look at them and
`sigstore` does. Acceptance needs both.
"""

from __future__ import annotations

import base64
import json
from typing import Any

from kguard.layers.images.verification.bundle import Bundle, LogEntry
from kguard.layers.images.verification.keys import wrap
from kguard.layers.images.verification.log import Signer, rebuilt_body
from kguard.layers.images.verification.opinion import ROOT, opinion
from kguard.layers.images.verification.rejected import tampered, untrusted
from kguard.layers.images.verification.timestamps import as_stated
from kguard.layers.images.verification.trusted_root import load_certificate
from kguard.layers.images.verification.verify import Material

_KINDS = ("dsse 0.0.1", "hashedrekord 0.0.1", "hashedrekord 0.0.2")
_MEDIA_TYPE = "application/vnd.dev.sigstore.bundle.v0.3+json"


def second_opinion(bundle: Bundle, material: Material) -> None:
    """Ask `sigstore` about a bundle that was found to hold, where it knows the kind.

    Raises:
        RejectedError: it does not accept the bundle.
    """
    if material.root is None or not _is_common(bundle, material):
        return
    asked = json.dumps(normalised(bundle)).encode()
    digest = bundle.message.digest if bundle.message is not None else b""
    fault, _, reason = opinion(material.root.raw, asked, digest).partition(" ")
    if fault == ROOT:
        raise untrusted(f"a second implementation cannot read the root: {reason}")
    if fault:
        raise tampered(f"a second implementation does not accept it: {reason}")


def _is_common(bundle: Bundle, material: Material) -> bool:
    entries = bundle.entries
    return (
        bundle.certificate is not None
        and material.requirements.log != "ignored"
        and material.requirements.sct
        and len(entries) == 1
        and entries[0].kind in _KINDS
        and entries[0].proof is not None
    )


def normalised(bundle: Bundle) -> dict[str, Any]:
    """The bundle with every redundant field made to agree with what is signed."""
    entry = bundle.entries[0]
    material: dict[str, Any] = {
        "certificate": {"rawBytes": _text(bundle.certificate or b"")},
        "tlogEntries": [_entry(bundle, entry)],
    }
    stamps = list(dict.fromkeys(map(_stamp, bundle.timestamps)))
    if stamps:
        material["timestampVerificationData"] = {
            "rfc3161Timestamps": [{"signedTimestamp": _text(stamp)} for stamp in stamps]
        }
    found: dict[str, Any] = {"mediaType": _MEDIA_TYPE, "verificationMaterial": material}
    if bundle.envelope is not None:
        found["dsseEnvelope"] = {
            "payload": _text(bundle.envelope.payload),
            "payloadType": bundle.envelope.payload_type,
            "signatures": [{"sig": _text(sig)} for sig, _ in bundle.envelope.signatures],
        }
    elif bundle.message is not None:
        found["messageSignature"] = {
            "messageDigest": {"algorithm": "SHA2_256", "digest": _text(bundle.message.digest)},
            "signature": _text(bundle.message.signature),
        }
    return found


def _stamp(raw: bytes) -> bytes:
    """A timestamp without what is redundant in it; one that cannot be read stays as it is."""
    try:
        return as_stated(raw)
    except ValueError:
        return raw


def _entry(bundle: Bundle, entry: LogEntry) -> dict[str, Any]:
    kind, _, version = entry.kind.partition(" ")
    proof = entry.proof
    if proof is None:
        raise tampered("the log entry has no inclusion proof")
    root, size, index, body = proof.root, proof.size, proof.index, entry.body
    if entry.is_v2:
        lines = proof.checkpoint.split("\n")
        root, size, index = base64.b64decode(lines[2]), int(lines[1]), entry.index
        certificate = load_certificate(bundle.certificate or b"")
        body = rebuilt_body(bundle, Signer(wrap(certificate.public_key()), certificate))
    found: dict[str, Any] = {
        "logIndex": str(entry.index),
        "logId": {"keyId": _text(entry.log_id)},
        "kindVersion": {"kind": kind, "version": version},
        "canonicalizedBody": _text(body),
        "inclusionProof": {
            "logIndex": str(index),
            "rootHash": _text(root),
            "treeSize": str(size),
            "hashes": [_text(h) for h in proof.hashes],
            "checkpoint": {"envelope": proof.checkpoint},
        },
    }
    if entry.promise:
        found["integratedTime"] = str(entry.integrated_time)
        found["inclusionPromise"] = {"signedEntryTimestamp": _text(entry.promise)}
    return found


def _text(raw: bytes) -> str:
    return base64.b64encode(raw).decode()
