# SPDX-License-Identifier: Apache-2.0
"""Does a signature in cosign's older format hold?

Authority: sigstore/cosign specs/SIGNATURE_SPEC.md and ATTESTATION_SPEC.md, pkg/cosign/verify.go
(`verifyInternal`, `VerifyBundle`, `ValidateAndUnpackCertWithCertificatePool`) and
pkg/cosign/verifiers.go (`SimpleClaimVerifier`): the signature and what proves it are annotations
of a layer, the payload is the layer itself; the log entry is proved by its signed timestamp alone.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from datetime import datetime
from typing import Any

import msgspec
from cryptography import x509

from kguard.layers.images.verification.bundle import Envelope, LogEntry, read_body
from kguard.layers.images.verification.certificates import chain_at, identity_of, verify_sct
from kguard.layers.images.verification.lenient import read_leniently
from kguard.layers.images.verification.log import (
    Signer,
    is_signer,
    moment,
    read_recorded,
    valid_at,
    verify_promise,
)
from kguard.layers.images.verification.messages import standard_base64
from kguard.layers.images.verification.pem import certificates
from kguard.layers.images.verification.provenance import read_provenance
from kguard.layers.images.verification.rejected import (
    RejectedError,
    missing,
    tampered,
    unsupported,
    untimed,
    untrusted,
)
from kguard.layers.images.verification.timestamps import verified_times
from kguard.layers.images.verification.trusted_root import key_of
from kguard.layers.images.verification.verify import (
    IN_TOTO,
    Checked,
    Material,
    envelope_holds,
    read_statement,
)
from kguard.model.manifests import mapping, sequence, strings

SIGNATURE = "dev.cosignproject.cosign/signature"
CERTIFICATE = "dev.sigstore.cosign/certificate"
CHAIN = "dev.sigstore.cosign/chain"
LOG_BUNDLE = "dev.sigstore.cosign/bundle"
TIMESTAMP = "dev.sigstore.cosign/rfc3161timestamp"

MAX_ANNOTATION = 1 << 20
_KINDS = ("hashedrekord 0.0.1", "dsse 0.0.1", "intoto 0.0.1", "intoto 0.0.2", "rekord 0.0.1")


class Layer(msgspec.Struct, frozen=True):
    """A layer of a `.sig` or `.att` manifest: the payload and its annotations."""

    payload: bytes
    annotations: dict[str, str]
    is_attestation: bool = False


def verify_layer(layer: Layer, material: Material, digest: str) -> Checked:
    """Check one legacy signature or attestation about an image.

    Raises:
        RejectedError: with the class of the first step that fails.
    """
    signer = _signer(layer, material)
    signature = _signature(layer)
    times = _times(layer, signer, signature, material)
    if signer.certificate is not None:
        _verify_certificate(layer, signer, material, times)
    found = _attested(layer, signer, digest) if layer.is_attestation else None
    found = found or _signed(layer, signer, signature, digest)
    identity = identity_of(signer.certificate) if signer.certificate is not None else None
    return msgspec.structs.replace(found, identity=identity, key=signer.key, times=tuple(times))


def _signer(layer: Layer, material: Material) -> Signer:
    pem = layer.annotations.get(CERTIFICATE, "")
    if material.key is not None:
        if pem:
            raise RejectedError(
                "wrong_identity", "it is signed with a certificate, not with the key"
            )
        return Signer(material.key)
    if not pem:
        raise missing("it is signed with a key, and no key is given")
    if material.root is None:
        raise missing("it is signed with a certificate, and no trusted root is given")
    certificate = certificates(pem)[0]
    return Signer(key_of(certificate), certificate)


def _signature(layer: Layer) -> bytes:
    text = layer.annotations.get(SIGNATURE)
    if text is None or (not text and not layer.is_attestation):
        raise tampered("the layer has no signature")
    if layer.is_attestation:
        return b""
    found = standard_base64(text)
    if found is None:
        raise tampered("the signature is no base64 text")
    return found


def _times(layer: Layer, signer: Signer, signature: bytes, material: Material) -> list[datetime]:
    wanted = material.requirements
    times = []
    if wanted.timestamp == "required":
        times.append(_stamped(layer, signature, material))
    if wanted.log == "required" or (wanted.log == "if_present" and LOG_BUNDLE in layer.annotations):
        recorded = _recorded(layer, signer, material)
        times.append(recorded)
    elif signer.certificate is not None and not times:
        times.append(material.now)
    if signer.certificate is not None:
        for time in times:
            if not valid_at(signer.certificate, time):
                raise untimed("the certificate was not valid when the signature was made")
    return times


def _stamped(layer: Layer, signature: bytes, material: Material) -> datetime:
    raw = layer.annotations.get(TIMESTAMP)
    if raw is None:
        raise untimed("it has no timestamp")
    if material.root is None:
        raise missing("no trusted root is given to check its timestamp with")
    value = strings(_json(raw)).get("SignedRFC3161Timestamp", "")
    signed = layer.payload if layer.is_attestation else signature
    stamp = standard_base64(value)
    if stamp is None:
        raise tampered("the timestamp is no base64 text")
    found, problem = verified_times((stamp,), signed, material.root)
    if not found:
        raise problem or untimed("the timestamp does not hold")
    return found[0]


def _json(text: str) -> Any:
    try:
        return json.loads(text[:MAX_ANNOTATION])
    except (ValueError, RecursionError):
        raise tampered("an annotation is no JSON") from None


def _recorded(layer: Layer, signer: Signer, material: Material) -> datetime:
    text = layer.annotations.get(LOG_BUNDLE)
    if text is None:
        raise missing("it carries no log entry; only its log could tell, online")
    if material.root is None:
        raise missing("no trusted root is given to check its log entry with")
    entry = _entry(mapping(_json(text)))
    log = material.root.logs.get(entry.log_id)
    if log is None:
        raise untrusted("its transparency log is not in the trusted root")
    verify_promise(entry, log)
    _compare(layer, entry, signer)
    return moment(entry.integrated_time)


def _entry(value: dict[str, Any]) -> LogEntry:
    payload = mapping(value.get("Payload"))
    promise = standard_base64(value.get("SignedEntryTimestamp"))
    body, log_id = standard_base64(payload.get("body")), _hex(payload.get("logID"))
    if promise is None or body is None or log_id is None:
        raise tampered("the log entry cannot be read")
    index, time = payload.get("logIndex"), payload.get("integratedTime")
    if type(index) is not int or type(time) is not int:
        raise tampered("the log entry is not complete")
    kind, spec = read_body(body)
    if kind not in _KINDS:
        raise unsupported(f"a log entry of kind {kind} is not known")
    return LogEntry(index, log_id, time, promise, None, body, kind, spec)


def _compare(layer: Layer, entry: LogEntry, signer: Signer) -> None:
    """The entry must be about this signature, this signer and this payload."""
    if entry.kind == "intoto 0.0.1":
        content = mapping(entry.spec.get("content"))
        digest = str(mapping(content.get("hash")).get("value"))
        verifier = _base64(entry.spec.get("publicKey"))
    elif entry.kind == "rekord 0.0.1":
        raise unsupported("a log entry of kind rekord 0.0.1 is not compared here")
    else:
        recorded = read_recorded(entry)
        digest, verifier = recorded.envelope, recorded.verifier
        text = layer.annotations.get(SIGNATURE)
        if text and text != base64.b64encode(recorded.signature).decode():
            raise tampered("the log recorded another signature")
    if not is_signer(verifier, signer):
        raise tampered("the log recorded another certificate or key")
    if digest != hashlib.sha256(layer.payload).hexdigest():
        raise tampered("the log recorded another payload")


def _hex(value: Any) -> bytes | None:
    """Hexadecimal digits, without the spaces that Python would skip."""
    if not isinstance(value, str) or not re.fullmatch(r"(?:[0-9a-fA-F]{2})*", value):
        return None
    return bytes.fromhex(value)


def _base64(value: Any) -> bytes:
    found = standard_base64(value)
    if found is None:
        raise tampered("it holds broken base64")
    return found


def _verify_certificate(
    layer: Layer, signer: Signer, material: Material, times: list[datetime]
) -> None:
    if chain := layer.annotations.get(CHAIN):
        certificates(chain, read_leniently)  # it is not needed, but cosign reads it
    root = material.root
    if root is None:
        raise missing("no trusted root is given")
    path: list[x509.Certificate] = []
    for time in times:
        path = chain_at(signer.certificate, root, time)
    if material.requirements.sct:
        verify_sct(path, root)


def _signed(layer: Layer, signer: Signer, signature: bytes, digest: str) -> Checked:
    if not signer.key.verify(signature, layer.payload):
        raise tampered("the signature does not hold")
    try:
        payload = json.loads(layer.payload)
    except (ValueError, RecursionError):
        raise tampered("the payload is no JSON") from None
    critical = mapping(mapping(payload).get("critical"))
    folded = {key.lower(): value for key, value in mapping(critical.get("image")).items()}
    about = folded.get("docker-manifest-digest")
    if about != digest:
        raise tampered("the payload is about another image")
    annotations = strings(mapping(payload).get("optional"))
    return Checked(None, signer.key, "", (digest,), annotations, ())


def _attested(layer: Layer, signer: Signer, digest: str) -> Checked:
    envelope = _envelope(layer)
    if envelope.payload_type != IN_TOTO:
        raise tampered("the envelope holds no statement")
    if not envelope_holds(envelope, signer.key):
        raise tampered("the signature does not hold")
    statement = read_statement(envelope)
    subjects = [strings(mapping(s).get("digest")) for s in sequence(statement.get("subject"))]
    digests = tuple(f"sha256:{s['sha256']}" for s in subjects if "sha256" in s)
    if digest not in digests:
        raise tampered("the statement is about another image")
    kind = str(statement.get("predicateType") or "unknown")
    built = read_provenance(statement)
    return Checked(None, signer.key, kind, digests, {}, (), built)


def _envelope(layer: Layer) -> Envelope:
    try:
        value = mapping(json.loads(layer.payload))
    except (ValueError, RecursionError):
        raise tampered("the envelope cannot be read") from None
    signatures = tuple(
        (_base64(mapping(s).get("sig")), _key_id(s)) for s in sequence(value.get("signatures"))
    )
    return Envelope(_base64(value.get("payload")), str(value.get("payloadType")), signatures)


def _key_id(signature: Any) -> str:
    return str(mapping(signature).get("keyid") or "")
