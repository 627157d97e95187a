# SPDX-License-Identifier: Apache-2.0
"""Which images does the example shop run, and who signed them?

Writes `examples/shop/evidence` (an OCI image layout with signatures, see
docs/layers/images.md) and `examples/shop/keys`:

    python support/generators/shop_evidence.py examples/shop

The images are tiny and the same on every run, so their digests are stable; the keys are made
fresh, used and thrown away, so the signatures are not. The bundles have the form that cosign 3
writes for `cosign sign --key K --tlog-upload=false`.
"""

from __future__ import annotations

import base64
import hashlib
import io
import json
import shutil
import sys
import tarfile
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

REGISTRY = "registry.example.com/shop"
VERSION = "1.4.2"
SIGNED = ("frontend", "cart", "catalog", "checkout")
SIGNED_BY_STRANGER = ("payments",)
ATTESTED_ONLY = ("recommender",)
UNSIGNED = ("orders", "mailer", "legacy-batch")
LEFT_OUT = ("inventory",)
"""Runs in the shop, but nobody looked for its signatures."""

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
BUNDLE = "application/vnd.dev.sigstore.bundle.v0.3+json"
EMPTY = "application/vnd.oci.empty.v1+json"
SIGN_PREDICATE = "https://sigstore.dev/cosign/sign/v1"
SLSA_PREDICATE = "https://slsa.dev/provenance/v1"
CREATED = "2026-11-02T09:00:00Z"


def encode(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":"), sort_keys=True).encode()


class Layout:
    """An OCI image layout that is being written."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.entries: list[dict[str, Any]] = []

    def blob(self, media_type: str, content: bytes) -> dict[str, Any]:
        """Store some bytes and describe them."""
        digest = hashlib.sha256(content).hexdigest()
        path = self.folder / "blobs" / "sha256" / digest
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        return {"mediaType": media_type, "digest": f"sha256:{digest}", "size": len(content)}

    def image(self, name: str, version: str) -> dict[str, Any]:
        """A one-file image, the same bytes on every run."""
        layer = one_file_layer(f"app/{name}", f"{name} {version}\n".encode())
        config = {
            "architecture": "amd64",
            "os": "linux",
            "created": CREATED,
            "config": {"Entrypoint": [f"/app/{name}"], "User": "65532"},
            "rootfs": {
                "type": "layers",
                "diff_ids": [f"sha256:{hashlib.sha256(layer).hexdigest()}"],
            },
        }
        manifest = {
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": self.blob("application/vnd.oci.image.config.v1+json", encode(config)),
            "layers": [self.blob("application/vnd.oci.image.layer.v1.tar", layer)],
        }
        return self.blob(MANIFEST, encode(manifest))

    def bundle(self, image: dict[str, Any], content: bytes, predicate: str) -> None:
        """A bundle that refers to an image, as cosign 3 stores it."""
        empty = {**self.blob(EMPTY, b"{}"), "artifactType": BUNDLE}
        manifest = {
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "artifactType": BUNDLE,
            "config": empty,
            "layers": [self.blob(BUNDLE, content)],
            "subject": image,
            "annotations": {
                "dev.sigstore.bundle.content": "dsse-envelope",
                "dev.sigstore.bundle.predicateType": predicate,
                "org.opencontainers.image.created": CREATED,
            },
        }
        self.entries.append({**self.blob(MANIFEST, encode(manifest)), "artifactType": BUNDLE})

    def finish(self) -> None:
        """Write the index."""
        (self.folder / "oci-layout").write_text('{"imageLayoutVersion":"1.0.0"}\n')
        index = {"schemaVersion": 2, "manifests": sorted(self.entries, key=lambda e: e["digest"])}
        (self.folder / "index.json").write_text(json.dumps(index, indent=1) + "\n")


def one_file_layer(name: str, content: bytes) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        entry = tarfile.TarInfo(name)
        entry.size, entry.mode = len(content), 0o755
        archive.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()


def key_signed_bundle(key: ec.EllipticCurvePrivateKey, digest: str, predicate: str) -> bytes:
    statement = {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{"digest": {"sha256": digest.removeprefix("sha256:")}}],
        "predicateType": predicate,
        "predicate": provenance() if predicate == SLSA_PREDICATE else {},
    }
    payload, kind = encode(statement), "application/vnd.in-toto+json"
    signed = b"DSSEv1 %d %s %d %s" % (len(kind), kind.encode(), len(payload), payload)
    signature = key.sign(signed, ec.ECDSA(hashes.SHA256()))
    spki = key.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    bundle = {
        "mediaType": BUNDLE,
        "verificationMaterial": {"publicKey": {"hint": text(hashlib.sha256(spki).digest())}},
        "dsseEnvelope": {
            "payload": text(payload),
            "payloadType": kind,
            "signatures": [{"sig": text(signature)}],
        },
    }
    return encode(bundle)


def provenance() -> dict[str, Any]:
    return {
        "buildDefinition": {"buildType": "https://example.com/build/v1", "externalParameters": {}},
        "runDetails": {"builder": {"id": "https://ci.example.com/shop"}},
    }


def text(content: bytes) -> str:
    return base64.b64encode(content).decode()


def public_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )


def write_images(layout: Layout) -> dict[str, str]:
    release, stranger = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    digests = {}
    for name in (*SIGNED, *SIGNED_BY_STRANGER, *ATTESTED_ONLY, *UNSIGNED):
        image = layout.image(name, VERSION)
        digests[name] = image["digest"]
        reference = {"org.opencontainers.image.ref.name": f"{REGISTRY}/{name}:{VERSION}"}
        layout.entries.append({**image, "annotations": reference})
        key = stranger if name in SIGNED_BY_STRANGER else release
        if name not in UNSIGNED:
            predicate = SLSA_PREDICATE if name in ATTESTED_ONLY else SIGN_PREDICATE
            content = key_signed_bundle(key, image["digest"], predicate)
            layout.bundle(image, content, predicate)
    keys = layout.folder.parent / "keys"
    keys.mkdir(exist_ok=True)
    (keys / "shop-release.pub").write_bytes(public_pem(release))
    return digests


def write_record(folder: Path, digests: dict[str, str]) -> None:
    """What was looked for where: the only ground on which kguard says `unsigned`."""
    places = ("referrers", "fallback-tag", "sig", "att")
    images = [
        {
            "reference": f"{REGISTRY}/{name}:{VERSION}",
            "digest": digests[name],
            "asked": list(places),
        }
        for name in sorted(digests)
    ]
    record = {"schema": "kguard/evidence/v1", "images": images}
    (folder / "evidence.json").write_text(json.dumps(record, indent=1) + "\n")


def write_readme(folder: Path, digests: dict[str, str]) -> None:
    rows = [f"| {REGISTRY}/{n}:{VERSION} | {d} | {signer(n)} |" for n, d in digests.items()]
    rows += [f"| {REGISTRY}/{n}:{VERSION} | | left out: nobody looked |" for n in LEFT_OUT]
    (folder / "README.md").write_text(README + "\n".join(rows) + "\n")


def signer(name: str) -> str:
    if name in SIGNED:
        return "signed with keys/shop-release.pub"
    if name in SIGNED_BY_STRANGER:
        return "signed with another key"
    if name in ATTESTED_ONLY:
        return "SLSA provenance only (keys/shop-release.pub), no signature statement"
    return "not signed"


README = """# The signatures of the shop's images

An evidence folder (docs/layers/images.md): an OCI image layout with the images and what refers to
them, and evidence.json, which records where signatures were looked for. Made by
support/generators/shop_evidence.py; the images are tiny and their digests are stable.

| image | digest | signature |
|---|---|---|
"""


def main() -> None:
    folder = Path(sys.argv[1]) / "evidence"
    shutil.rmtree(folder, ignore_errors=True)
    layout = Layout(folder)
    digests = write_images(layout)
    layout.finish()
    write_record(folder, digests)
    write_readme(folder, digests)


if __name__ == "__main__":
    main()
