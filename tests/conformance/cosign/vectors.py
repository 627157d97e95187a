# SPDX-License-Identifier: Apache-2.0
"""What did cosign answer, and what do we say? One (id, recorded, ours) triple for each case.

The recorded answers lie beside the project; `cosign_own` has cases of our own in the same shape.
"""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import cache, partial
from pathlib import Path
from typing import Any

from kguard.layers.images.assess import assess
from kguard.layers.images.evidence.store import (
    MAX_BLOB_BYTES,
    Descriptor,
    StoreError,
    read_manifest,
)
from kguard.layers.images.facts import compute
from kguard.layers.images.semantics.identities import Identity
from kguard.layers.images.verification import acceptance
from kguard.layers.images.verification.judge import Authorities, Verdict
from kguard.layers.images.verification.keys import load_pem
from kguard.layers.images.verification.trusted_root import parse_root
from kguard.layers.images.verification.verify import Requirements
from kguard.model.digests import digest_of
from kguard.model.layer import Request
from tests.objects import inventory

Point = tuple[str, Any, Any]
FOLDER = "cosign"
NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
_GITHUB = {
    "github_workflow_trigger": "trigger",
    "github_workflow_sha": "sha",
    "github_workflow_name": "name",
    "github_workflow_repository": "repository",
    "github_workflow_ref": "ref",
}


class Recorded:
    """One recorded repository as a place to look for signatures in."""

    def __init__(self, row: dict[str, Any], content: dict[str, bytes]) -> None:
        self.row = row
        self.content = content

    def manifest(self, digest: str) -> bytes | None:
        return self._bytes(digest) if digest in self.row["manifests"] else None

    def blob(self, digest: str, size: int = MAX_BLOB_BYTES) -> bytes | None:
        return self._bytes(digest) if digest in self.row["blobs"] else None

    def _bytes(self, digest: str) -> bytes:
        raw = self.content[self.row.get("serve_instead", {}).get(digest, digest)]
        if digest_of(raw) != digest:
            raise StoreError("tampered", "other bytes are served than were asked for")
        return raw

    def referrers(self, digest: str) -> list[Descriptor] | None:
        if self.row["registry_mode"] != "referrers":
            return None
        found = self.row.get("referrers", {}).get(digest, [])
        return [
            Descriptor(
                d["digest"], d.get("mediaType", ""), d.get("size", 0), d.get("artifactType", "")
            )
            for d in found
        ]

    def tag(self, name: str) -> str:
        return self.row["tags"].get(name, "")

    def indexes_of(self, digest: str) -> list[str]:
        return [m for m in sorted(self.row["manifests"]) if self._lists(m, digest)]

    def _lists(self, index: str, digest: str) -> bool:
        manifest = read_manifest(self.content.get(index, b""))
        return manifest is not None and digest in {d.digest for d in manifest.manifests}


@cache
def content(folder: Path) -> dict[str, bytes]:
    """Manifests and blobs by digest."""
    found = {}
    with gzip.open(folder / "content.ndjson.gz") as stream:
        for line in stream:
            row = json.loads(line)
            text = row.get("text")
            found[row["digest"]] = (
                text.encode() if text is not None else base64.b64decode(row["base64"])
            )
    return found


@cache
def repositories(folder: Path) -> dict[str, dict[str, Any]]:
    """The recorded repositories by name."""
    rows = map(json.loads, (folder / "repositories.ndjson").read_text().splitlines())
    return {row["repository"]: row for row in rows}


def authorities(read: Callable[[str], bytes], case: dict[str, Any]) -> Authorities:
    """Whom a case trusts; `read` gives the files that it names."""
    identity, policy = case.get("identity") or {}, case["policy"]
    timestamp = "required" if policy.get("timestamp") == "required" else "if_needed"
    wanted = Requirements(
        log="ignored" if policy["log"] == "ignored" else "required",
        timestamp=timestamp,
        sct=policy.get("sct") != "ignored",
    )
    named = Identity(
        identity.get("issuer", ""),
        identity.get("issuer_regexp", ""),
        identity.get("san", ""),
        identity.get("san_regexp", ""),
    )
    named_root = case["trusted_root"]
    roots = (parse_root(read(named_root)),) if named_root else ()
    return Authorities(
        roots=roots,
        keys=(load_pem(read(case["key"])),) if case["key"] else (),
        identities=(named,) if identity else (),
        workflow={name: identity[key] for key, name in _GITHUB.items() if key in identity},
        annotations=policy.get("annotations", {}),
        keyless=wanted,
        keyed=wanted,
    )


@cache
def cases(folder: Path) -> dict[str, dict[str, Any]]:
    """The table, by id."""
    return {c["id"]: c for c in map(json.loads, (folder / "cases.ndjson").read_text().splitlines())}


def _verdicts(folder: Path) -> Iterator[tuple[dict[str, Any], Verdict]]:
    for case in cases(folder).values():
        yield case, _verdict(folder, case)


def _verdict(folder: Path, case: dict[str, Any]) -> Verdict:
    name = case["reference"].removeprefix("registry.test/")
    repository, _, digest = name.partition("@")
    path, _, tag = repository.partition(":")
    store = Recorded(repositories(folder)[path], content(folder))
    digest = digest or store.tag(tag)
    if not digest:
        return Verdict("not_found", "there is no such tag", None, ())
    read = partial(_file, folder)
    return assess(store, digest, authorities(read, case), NOW)


def _file(folder: Path, name: str) -> bytes:
    return (folder / name).read_bytes()


def classes(folder: Path) -> Iterator[Point]:
    """The class of each image; what the record calls defensible counts as agreement."""
    for case, verdict in _verdicts(folder):
        found = _of_pod(case) if "image_id" in case else verdict.signature
        allowed = {case["truth_class"], *case.get("class_also", ())}
        yield case["id"], case["truth_class"], case["truth_class"] if found in allowed else found


def _of_pod(case: dict[str, Any]) -> str:
    """The class where the status of a pod says what runs, and no registry is asked."""
    status = {"name": "app", "image": case["written"], "imageID": case["image_id"]}
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "app", "namespace": "shop"},
        "spec": {"containers": [{"name": "app", "image": case["written"]}]},
        "status": {"phase": "Running", "containerStatuses": [status]},
    }
    (use,) = compute(inventory(json.dumps(pod)), Request(scope="cluster", at=NOW)).uses
    return use.signature


def accepts(folder: Path) -> Iterator[Point]:
    """Whether cosign accepts the image under each command that was recorded."""
    for line in (folder / "cases.ndjson").read_text().splitlines():
        case = json.loads(line)
        yield case["id"], case["cosign_accepts"], accepted(case, _verdict(folder, case))
        for number, further in enumerate(case.get("more", ())):
            other = {**case, **further, "policy": _policy(case, further["cosign_args"])}
            ours = accepted(other, _verdict(folder, other))
            yield f"{case['id']}+{number}", further["cosign_accepts"], ours


def _policy(case: dict[str, Any], command: list[str]) -> dict[str, Any]:
    """What a further command demands, read from its options."""
    kept = {"annotations": case["policy"].get("annotations", {})}
    attested = command[0] == "verify-attestation"
    return {
        **(case["policy"] if attested else kept),
        "log": "ignored" if "--insecure-ignore-tlog" in command else "required",
        "sct": "ignored" if "--insecure-ignore-sct" in command else "required",
        "timestamp": "required" if "--use-signed-timestamps" in command else "if_needed",
        "oci11": "--experimental-oci11" in command,
    }


def accepted(case: dict[str, Any], verdict: Verdict) -> bool:
    """Whether we say that cosign accepts the image."""
    policy = case["policy"]
    demand = acceptance.Demand(
        predicate=policy.get("attestation_type", ""),
        oci11=policy.get("oci11", False),
        bundles="--new-bundle-format=false" not in case.get("cosign_args", ()),
    )
    return acceptance.accepts(verdict, demand)


SUITES = {"cosign classes": classes, "cosign accepts": accepts}
