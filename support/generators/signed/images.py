# SPDX-License-Identifier: Apache-2.0
"""What does an image look like that was signed in one of the formats?

Authority: sigstore/cosign specs/BUNDLE_SPEC.md, SIGNATURE_SPEC.md and ATTESTATION_SPEC.md,
pkg/oci/remote/write.go (the manifests as cosign 3 writes them), sigstore/rekor pkg/types
(hashedrekord, dsse, intoto) and sigstore/rekor-tiles for entries of Rekor v2.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from support.generators.signed.pki import SIGNED_AT, Key, Leaf, Pki, Wish, canonical, text

Json = dict[str, Any]

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
EMPTY = "application/vnd.oci.empty.v1+json"
BUNDLE = "application/vnd.dev.sigstore.bundle.v0.3+json"
SIMPLE_SIGNING = "application/vnd.dev.cosign.simplesigning.v1+json"
DSSE = "application/vnd.dsse.envelope.v1+json"
OCI11 = "application/vnd.dev.cosign.artifact.sig.v1+json"
IN_TOTO = "application/vnd.in-toto+json"
SIGN = "https://sigstore.dev/cosign/sign/v1"
PROVENANCE = "https://slsa.dev/provenance/v1"

FORMATS = (
    "bundle-v1",
    "bundle-v2",
    "bundle-key",
    "bundle-attestation",
    "legacy",
    "legacy-key",
    "legacy-attestation",
    "oci11",
)
TIME = int(SIGNED_AT.timestamp())
_PREFIX = "dev.sigstore.cosign/"


def digest_of(raw: bytes) -> str:
    """The digest of some bytes."""
    return f"sha256:{hashlib.sha256(raw).hexdigest()}"


@dataclass
class Repository:
    """A repository as it is served, in the shape of the recorded ones."""

    name: str
    mode: str = "referrers"
    """`referrers` or `fallback`: whether the registry has the referrers API."""
    manifests: dict[str, str] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    blobs: list[str] = field(default_factory=list)
    referrers: dict[str, list[Json]] = field(default_factory=dict)
    content: dict[str, bytes] = field(default_factory=dict)

    @property
    def row(self) -> Json:
        """Everything but the content."""
        return {
            "repository": self.name,
            "registry_mode": self.mode,
            "manifests": self.manifests,
            "tags": self.tags,
            "blobs": self.blobs,
            "referrers": self.referrers,
        }

    def blob(self, raw: bytes, media_type: str) -> Json:
        """Store a blob; its descriptor."""
        digest = digest_of(raw)
        self.content[digest] = raw
        self.blobs.append(digest)
        return {"mediaType": media_type, "digest": digest, "size": len(raw)}

    def manifest(self, value: Json, tag: str = "") -> Json:
        """Store a manifest or index; its descriptor."""
        raw = json.dumps(value).encode()
        digest = digest_of(raw)
        self.content[digest] = raw
        self.manifests[digest] = value["mediaType"]
        if tag:
            self.tags[tag] = digest
        return {"mediaType": value["mediaType"], "digest": digest, "size": len(raw)}

    def image(self, salt: str, tag: str = "") -> str:
        """An image of one layer; its digest."""
        config = self.blob(json.dumps({"architecture": "amd64", "salt": salt}).encode(), CONFIG)
        layer = self.blob(salt.encode(), "application/vnd.oci.image.layer.v1.tar")
        value = {"schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": [layer]}
        return str(self.manifest(value, tag)["digest"])

    def refer(self, value: Json, subject: str) -> None:
        """Store a manifest that refers to another, by API or by fallback tag."""
        found = self.manifest(value)
        if self.mode == "referrers":
            listed = {**found, "artifactType": value.get("artifactType", "")}
            self.referrers.setdefault(subject, []).append(listed)
            return
        tag = subject.replace(":", "-")
        known = json.loads(self.content[self.tags[tag]])["manifests"] if tag in self.tags else []
        entries = [*known, {**found, "artifactType": EMPTY}]
        self.manifest({"schemaVersion": 2, "mediaType": INDEX, "manifests": entries}, tag)


def statement(digest: str, predicate: str, content: Json | None = None) -> Json:
    """An in-toto statement about an image, as cosign writes it."""
    return {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{"digest": {"sha256": digest.removeprefix("sha256:")}}],
        "predicateType": predicate,
        "predicate": content or {},
    }


def payload(digest: str, reference: str) -> bytes:
    """The payload of a legacy signature."""
    critical = {
        "identity": {"docker-reference": reference},
        "image": {"docker-manifest-digest": digest},
        "type": "cosign container image signature",
    }
    return json.dumps({"critical": critical, "optional": None}).encode()


def pae(kind: str, content: bytes) -> bytes:
    """What is signed of an envelope."""
    return b"DSSEv1 %d %b %d %b" % (len(kind), kind.encode(), len(content), content)


def envelope(content: bytes, key: Key, kind: str = IN_TOTO) -> Json:
    """A DSSE envelope."""
    signature = text(key.sign(pae(kind, content)))
    return {"payload": text(content), "payloadType": kind, "signatures": [{"sig": signature}]}


def dsse_body(signed: Json, verifier: bytes) -> bytes:
    """The body of a `dsse 0.0.1` log entry."""
    spec = {
        "envelopeHash": _hash(json.dumps(signed).encode()),
        "payloadHash": _hash(base64.b64decode(signed["payload"])),
        "signatures": [{"signature": signed["signatures"][0]["sig"], "verifier": text(verifier)}],
    }
    return canonical({"apiVersion": "0.0.1", "kind": "dsse", "spec": spec})


def intoto_body(signed: Json, verifier: bytes) -> bytes:
    """The body of an `intoto 0.0.2` log entry, which encodes texts twice."""
    signature = {
        "publicKey": text(verifier),
        "sig": text(signed["signatures"][0]["sig"].encode()),
    }
    inner = {
        "payload": text(signed["payload"].encode()),
        "payloadType": signed["payloadType"],
        "signatures": [signature],
    }
    content = {
        "envelope": {key: inner[key] for key in ("payloadType", "signatures")},
        "hash": _hash(json.dumps(signed).encode()),
        "payloadHash": _hash(base64.b64decode(signed["payload"])),
    }
    return canonical({"apiVersion": "0.0.2", "kind": "intoto", "spec": {"content": content}})


def hashedrekord_body(content: bytes, signature: bytes, verifier: bytes) -> bytes:
    """The body of a `hashedrekord 0.0.1` log entry."""
    spec = {
        "data": {"hash": _hash(content)},
        "signature": {"content": text(signature), "publicKey": {"content": text(verifier)}},
    }
    return canonical({"apiVersion": "0.0.1", "kind": "hashedrekord", "spec": spec})


def _hash(content: bytes) -> Json:
    return {"algorithm": "sha256", "value": hashlib.sha256(content).hexdigest()}


def _leaf_hash(body: bytes) -> bytes:
    return hashlib.sha256(b"\0" + body).digest()


def _proof(pki: Pki, body: bytes, *, v2: bool) -> Json:
    """The proof that a body is the first of two leaves."""
    sibling = hashlib.sha256(b"sibling " + body).digest()
    root = hashlib.sha256(b"\1" + _leaf_hash(body) + sibling).digest()
    checkpoint = {"envelope": pki.checkpoint(2, root, v2=v2)}
    return {
        "logIndex": "0",
        "rootHash": text(root),
        "treeSize": "2",
        "hashes": [text(sibling)],
        "checkpoint": checkpoint,
    }


def v1_entry(pki: Pki, body: bytes, time: int = TIME, index: int = 1042) -> Json:
    """An entry of Rekor v1, with promise and proof."""
    kind = json.loads(body)
    return {
        "logIndex": str(index),
        "logId": {"keyId": text(pki.log_key.log_id)},
        "kindVersion": {"kind": kind["kind"], "version": kind["apiVersion"]},
        "integratedTime": str(time),
        "inclusionPromise": {"signedEntryTimestamp": text(pki.promise(body, index, time))},
        "inclusionProof": _proof(pki, body, v2=False),
        "canonicalizedBody": text(body),
    }


def v2_entry(pki: Pki, signed: Json, verifier: Json) -> Json:
    """An entry of Rekor v2 about an envelope."""
    content = base64.b64decode(signed["payload"])
    digest = hashlib.sha256(pae(signed["payloadType"], content)).digest()
    record = {
        "data": {"algorithm": "SHA2_256", "digest": text(digest)},
        "signature": {
            "content": signed["signatures"][0]["sig"],
            "verifier": {"keyDetails": "PKIX_ECDSA_P256_SHA_256", **verifier},
        },
    }
    spec = {"hashedRekordV002": record}
    body = canonical({"apiVersion": "0.0.2", "kind": "hashedrekord", "spec": spec})
    return {
        "logIndex": "0",
        "logId": {"keyId": text(pki.log2_id)},
        "kindVersion": {"kind": "hashedrekord", "version": "0.0.2"},
        "inclusionProof": _proof(pki, body, v2=True),
        "canonicalizedBody": text(body),
    }


@dataclass
class Signed:
    """One signature before it is stored: a bundle, or a layer with its annotations."""

    format: str
    digest: str
    """The image that it is stored for."""
    document: Json
    """The bundle; or `payload` and `annotations` of a layer."""
    key: Key

    @property
    def is_bundle(self) -> bool:
        """Whether it is stored as a bundle."""
        return self.format.startswith("bundle")

    def store(self, repository: Repository, manifest: Mapping[str, Any] | None = None) -> None:
        """Write it where cosign writes it; `manifest` replaces fields of its manifest."""
        if self.is_bundle:
            raw = json.dumps(self.document).encode()
            value = _bundle_manifest(repository, raw, self.digest)
            repository.refer({**value, **(manifest or {})}, self.digest)
            return
        self._store_layer(repository, manifest or {})

    def _store_layer(self, repository: Repository, manifest: Mapping[str, Any]) -> None:
        attestation = self.format == "legacy-attestation"
        kind = DSSE if attestation else SIMPLE_SIGNING
        payload = self.document.get("payload")
        layer = repository.blob(payload.encode() if isinstance(payload, str) else b"", kind)
        layer["annotations"] = self.document.get("annotations")
        config = repository.blob(b"{}", OCI11 if self.format == "oci11" else CONFIG)
        value = {"schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": [layer]}
        if self.format == "oci11":
            subject = {"mediaType": MANIFEST, "digest": self.digest, "size": 1}
            value = {**value, "artifactType": OCI11, "subject": subject}
            repository.refer({**value, **manifest}, self.digest)
            return
        tag = self.digest.replace(":", "-") + (".att" if attestation else ".sig")
        if tag in repository.tags:
            known = json.loads(repository.content[repository.tags[tag]])["layers"]
            value["layers"] = [*known, layer]
        repository.manifest({**value, **manifest}, tag)


def _bundle_manifest(repository: Repository, raw: bytes, subject: str) -> Json:
    return {
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "artifactType": BUNDLE,
        "config": {**repository.blob(b"{}", EMPTY), "artifactType": BUNDLE},
        "layers": [repository.blob(raw, BUNDLE)],
        "subject": {"mediaType": MANIFEST, "digest": subject, "size": 1},
        "annotations": {"dev.sigstore.bundle.content": "dsse-envelope"},
    }


def sign(
    form: str, pki: Pki, digest: str, name: str, wish: Wish | None = None, **changes: Any
) -> Signed:
    """Sign an image in a format.

    Args:
        form: one of `FORMATS`.
        pki: who vouches for the signer.
        digest: the image.
        name: the signer's name; the key of the formats with keys is named so.
        wish: what is special about the certificate.
        changes: `about` (another digest in the statement), `predicate`, `time` (of the log),
            `stamped` (of the timestamp authority), `kind` (the type of the log entry).
    """
    make = _bundle if form.startswith("bundle") else _layer
    keyed = form.endswith("key")
    leaf = None if keyed else pki.leaf(name, wish)
    key = Key(name) if leaf is None else leaf.key
    about = changes.pop("about", digest)
    return Signed(form, digest, make(form, pki, key, leaf, about, changes), key)


def _bundle(form: str, pki: Pki, key: Key, leaf: Leaf | None, digest: str, changes: Json) -> Json:
    kind = PROVENANCE if form == "bundle-attestation" else SIGN
    content = json.dumps(statement(digest, changes.get("predicate", kind))).encode()
    signed = envelope(content, key, changes.get("payload_type", IN_TOTO))
    material: Json = {}
    if leaf is None:
        material["publicKey"] = {"hint": text(hashlib.sha256(key.spki).digest())}
    else:
        material["certificate"] = {"rawBytes": text(leaf.der)}
    verifier = key.pem if leaf is None else leaf.pem
    if form == "bundle-v2":
        raw = {"rawBytes": text(leaf.der if leaf else key.spki)}
        material["tlogEntries"] = [
            v2_entry(pki, signed, {"x509Certificate" if leaf else "publicKey": raw})
        ]
        stamp = pki.stamp(base64.b64decode(signed["signatures"][0]["sig"]), _stamped(changes))
        stamps = [{"signedTimestamp": text(stamp)}]
        material["timestampVerificationData"] = {"rfc3161Timestamps": stamps}
    else:
        body = _BODIES[changes.get("kind", "dsse")](signed, verifier)
        material["tlogEntries"] = [v1_entry(pki, body, changes.get("time", TIME))]
    return {"mediaType": BUNDLE, "verificationMaterial": material, "dsseEnvelope": signed}


def _stamped(changes: Json) -> Any:
    return changes.get("stamped", SIGNED_AT)


_BODIES: Mapping[str, Callable[[Json, bytes], bytes]] = {"dsse": dsse_body, "intoto": intoto_body}


def _layer(form: str, pki: Pki, key: Key, leaf: Leaf | None, digest: str, changes: Json) -> Json:
    annotations = {}
    verifier = key.pem if leaf is None else leaf.pem
    if form == "legacy-attestation":
        content = json.dumps(statement(digest, changes.get("predicate", PROVENANCE))).encode()
        signed = envelope(content, key)
        body = _BODIES[changes.get("kind", "dsse")](signed, verifier)
        raw = json.dumps(signed).encode()
        annotations["dev.cosignproject.cosign/signature"] = ""
        over = raw
    else:
        raw = payload(digest, "registry.test/acme/shop")
        over = key.sign(raw)
        body = hashedrekord_body(raw, over, verifier)
        annotations["dev.cosignproject.cosign/signature"] = text(over)
    if leaf is not None:
        annotations[_PREFIX + "certificate"] = leaf.pem.decode()
        annotations[_PREFIX + "chain"] = _ca_pem(pki)
    if changes.get("log", True):
        annotations[_PREFIX + "bundle"] = json.dumps(_promise(pki, body, changes))
    if "stamped" in changes:
        stamp = {"SignedRFC3161Timestamp": text(pki.stamp(over, changes["stamped"]))}
        annotations[_PREFIX + "rfc3161timestamp"] = json.dumps(stamp)
    return {"payload": raw.decode(), "annotations": annotations}


def _ca_pem(pki: Pki) -> str:
    from cryptography.hazmat.primitives.serialization import Encoding

    return pki.ca.public_bytes(Encoding.PEM).decode()


def _promise(pki: Pki, body: bytes, changes: Json) -> Json:
    time = changes.get("time", TIME)
    return {
        "SignedEntryTimestamp": text(pki.promise(body, 1042, time)),
        "Payload": {
            "body": text(body),
            "integratedTime": time,
            "logIndex": 1042,
            "logID": pki.log_key.log_id.hex(),
        },
    }
