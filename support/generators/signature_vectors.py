# SPDX-License-Identifier: Apache-2.0
"""Which recorded signatures do the case folders need?

Takes repositories from the recorded answers of cosign and writes them as an evidence folder:

    python support/generators/signature_vectors.py SHARED/conformance/cosign tests/data/signatures
"""

from __future__ import annotations

import base64
import gzip
import json
import shutil
import sys
from pathlib import Path
from typing import Any

CASES = (
    "bundle-v1-good",
    "bundle-v2-good",
    "legacy-keyless-good",
    "att-keyless-good",
    "identity-other-v1",
    "root-foreign-v1",
    "mutation-v1-4-dsseEnvelope.signatures[0].sig",
    "time-log-after-validity-v1",
    "only-provenance",
    "index-v1-child",
    "notation-only",
    "unsigned-referrers",
    "bundle-blob-gone",
)
ALL_PLACES = ["referrers", "fallback-tag", "sig", "att"]

README = """# Signatures in every class

An evidence folder made by support/generators/signature_vectors.py from recorded repositories:
cosign 3.1.3 really gave its verdict on each of them. The keys of this test PKI were thrown away.

| image | class |
|---|---|
"""


def main() -> None:
    source, target = Path(sys.argv[1]), Path(sys.argv[2])
    shutil.rmtree(target, ignore_errors=True)
    cases = {row["id"]: row for row in rows(source / "cases.ndjson")}
    repositories = {row["repository"]: row for row in rows(source / "repositories.ndjson")}
    content = {row["digest"]: octets(row) for row in zipped(source / "content.ndjson.gz")}
    entries: list[dict[str, Any]] = []
    images = []
    lines = []
    for name in CASES:
        case = cases[name]
        path, _, digest = case["reference"].removeprefix("registry.test/").partition("@")
        write(target, repositories[path], content, entries)
        images.append({"digest": digest, "asked": ALL_PLACES})
        lines.append(f"| {case['reference']} | {case['truth_class']} |\n")
    index = {"schemaVersion": 2, "manifests": unique(entries)}
    dump(target / "evidence" / "index.json", index)
    dump(target / "evidence" / "oci-layout", {"imageLayoutVersion": "1.0.0"})
    dump(target / "evidence" / "evidence.json", {"schema": "kguard/evidence/v1", "images": images})
    shutil.copy(source / "trusted_root.json", target / "trusted_root.json")
    (target / "README.md").write_text(README + "".join(lines))


def rows(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def zipped(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in gzip.decompress(path.read_bytes()).splitlines()]


def octets(row: dict[str, Any]) -> bytes:
    text = row.get("text")
    return text.encode() if text is not None else base64.b64decode(row["base64"])


def write(
    target: Path, repository: dict[str, Any], content: dict[str, bytes], entries: list[Any]
) -> None:
    """Store a repository's content and list what tags and subjects alone do not lead to."""
    blobs = target / "evidence" / "blobs" / "sha256"
    blobs.mkdir(parents=True, exist_ok=True)
    for digest in (*repository["manifests"], *repository["blobs"]):
        (blobs / digest.removeprefix("sha256:")).write_bytes(content[digest])
    for digest, media_type in repository["manifests"].items():
        entries.append({"mediaType": media_type, "digest": digest, "size": len(content[digest])})
    for tag, digest in repository["tags"].items():
        if tag.startswith("sha256-"):
            entry = {"digest": digest, "size": len(content[digest])}
            entries.append(
                {
                    "mediaType": repository["manifests"][digest],
                    **entry,
                    "annotations": {"org.opencontainers.image.ref.name": tag},
                }
            )


def unique(entries: list[dict[str, Any]]) -> list[dict[str, Any]]:
    found = {json.dumps(entry, sort_keys=True): entry for entry in entries}
    return [found[key] for key in sorted(found)]


def dump(path: Path, value: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value, indent=1) + "\n")


if __name__ == "__main__":
    main()
