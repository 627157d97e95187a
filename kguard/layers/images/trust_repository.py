# SPDX-License-Identifier: Apache-2.0
"""What does a TUF repository hold that a TrustRoot object carries along?

Authority: The Update Framework specification 1.0.34 section 5 (each root is signed by the one
before and by itself; timestamp, snapshot and targets are signed by the roles of the last root, and
none has expired) and sigstore/policy-controller pkg/tuf/repo.go (`ClientFromSerializedMirror`: a
gzipped tar whose names begin with `repository/`, targets with or without their hash in front).
"""

from __future__ import annotations

import io
import tarfile
import zlib
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import msgspec

from kguard.layers.images.verification.messages import standard_base64
from kguard.layers.images.verification.rejected import missing, tampered, unsupported
from kguard.model.manifests import JsonObject, mapping, strings

MAX_FILES = 1000
MAX_BYTES = 16 << 20
"""What is unpacked, whatever it is packed into."""
MAX_ROOTS = 256
_PREFIX = "repository/"


class Target(msgspec.Struct, frozen=True):
    """A file of the repository, and what Sigstore uses it for (`Fulcio`, `Rekor`, `CTFE` ...)."""

    content: bytes
    use: str


def read_repository(spec: JsonObject, now: datetime) -> dict[str, Target]:
    """The targets by name, after every signature and hash that leads to them.

    Args:
        spec: `spec.repository` of a TrustRoot: `root`, `mirrorFS`, `targets`.
        now: when the metadata must be good.

    Raises:
        RejectedError: `tampered` where something does not fit, `unverifiable_offline` where
            something is missing or has expired.
    """
    from securesystemslib.exceptions import StorageError
    from tuf.api.exceptions import DownloadError, RepositoryError

    root = standard_base64(spec.get("root"))
    packed = standard_base64(spec.get("mirrorFS"))
    if not root or not packed:
        raise unsupported("its repository has no root or no mirrorFS, or they are no base64 text")
    files = _unpacked(packed)
    try:
        targets = _Chain(files, now).targets(root)
        return dict(_contents(files, strings(spec).get("targets", "targets"), targets))
    except (RepositoryError, StorageError, DownloadError, ValueError, KeyError) as error:
        raise tampered(f"its TUF repository does not hold: {error}") from None


def _unpacked(packed: bytes) -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    left = MAX_BYTES
    try:
        raw = zlib.decompressobj(wbits=31).decompress(packed, MAX_BYTES)
        with tarfile.open(fileobj=io.BytesIO(raw), mode="r:") as archive:
            for member in archive:
                if not member.isfile():
                    continue
                left -= member.size
                content = archive.extractfile(member)
                if left < 0 or len(found) >= MAX_FILES or content is None:
                    raise unsupported("its mirrorFS is larger than is read")
                name = member.name.lstrip("./").removeprefix(_PREFIX)
                found[name] = content.read()
    except (tarfile.TarError, zlib.error, EOFError, OSError) as error:
        raise unsupported(f"its mirrorFS is no gzipped tar: {error}") from None
    return found


class _Chain:
    """The way from the root that is trusted to the list of targets."""

    def __init__(self, files: dict[str, bytes], now: datetime) -> None:
        self._files = files
        self._now = now

    def targets(self, raw: bytes) -> Any:
        root = self._last_root(raw)
        timestamp = self._signed(root, "timestamp", self._file("timestamp.json"))
        listed = self._listed(timestamp.snapshot_meta, "snapshot", root)
        snapshot = self._signed(root, "snapshot", listed)
        meta = snapshot.meta["targets.json"]
        return self._signed(root, "targets", self._listed(meta, "targets", root))

    def _last_root(self, raw: bytes) -> Any:
        """The newest root that the one that is trusted leads to."""
        from tuf.api.metadata import Metadata

        found: Metadata[Any] = Metadata.from_bytes(raw)
        found.signed.verify_delegate("root", found.signed_bytes, found.signatures)
        for _ in range(MAX_ROOTS):
            newer = self._files.get(f"{found.signed.version + 1}.root.json")
            if newer is None:
                break
            after: Metadata[Any] = Metadata.from_bytes(newer)
            for judge in (found.signed, after.signed):
                judge.verify_delegate("root", after.signed_bytes, after.signatures)
            if after.signed.version != found.signed.version + 1:
                raise ValueError("a root has another version than its name says")
            found = after
        self._check_age(found.signed, "root")
        return found.signed

    def _listed(self, meta: Any, role: str, root: Any) -> bytes:
        """The metadata that another one lists, with the hash that it states."""
        name = f"{role}.json"
        if root.consistent_snapshot:
            name = f"{meta.version}.{name}"
        raw = self._file(name)
        meta.verify_length_and_hashes(raw)
        return raw

    def _signed(self, root: Any, role: str, raw: bytes) -> Any:
        from tuf.api.metadata import Metadata

        found: Metadata[Any] = Metadata.from_bytes(raw)
        if found.signed.type != role:
            raise ValueError(f"{role}.json is of another kind")
        root.verify_delegate(role, found.signed_bytes, found.signatures)
        self._check_age(found.signed, role)
        return found.signed

    def _check_age(self, signed: Any, role: str) -> None:
        if signed.is_expired(self._now):
            until = signed.expires.date().isoformat()
            raise missing(f"the {role} metadata of its TUF repository expired on {until}")

    def _file(self, name: str) -> bytes:
        found = self._files.get(name)
        if found is None:
            raise missing(f"its TUF repository lacks {name}")
        return found


def _contents(files: dict[str, bytes], folder: str, targets: Any) -> Iterator[tuple[str, Target]]:
    for name, target in targets.targets.items():
        use = strings(mapping(target.custom or {}).get("sigstore")).get("usage", "")
        if use or name == "trusted_root.json":
            yield name, Target(_content(files, folder, name, target), use)


def _content(files: dict[str, bytes], folder: str, name: str, target: Any) -> bytes:
    path, slash, base = name.rpartition("/")
    hashed = [f"{folder}/{path}{slash}{digest}.{base}" for digest in target.hashes.values()]
    found = next((files[n] for n in (*hashed, f"{folder}/{name}") if n in files), None)
    if found is None:
        raise missing(f"its TUF repository lacks the target {name}")
    target.verify_length_and_hashes(found)
    return found
