# SPDX-License-Identifier: Apache-2.0
"""Which rules come with Falco, as far as the user names them: files, or artifacts of a registry?

An artifact is laid out as falcosecurity/falcoctl pkg/oci/constants.go and pkg/oci/puller do it: one
manifest, whose layer is a compressed tar with the rules files. Registries are asked for artifacts
that are named as `oci://...` only, and what they answer is proved by its digest.
"""

from __future__ import annotations

import io
import re
import tarfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import msgspec

from kguard.errors import SourceError, UsageError
from kguard.model.manifests import BaseRules, Collected, Unreadable, mapping, sequence, strings
from kguard.sources.files import File, display_path
from kguard.sources.reading import read_bytes

OCI = "oci://"
LAYER = "application/vnd.cncf.falco.rulesfile.layer.v1+tar.gz"
MAX_RULES_BYTES = 16 << 20
"""A rules file, and all files of an artifact together."""
MAX_MEMBERS = 100
"""Entries of an artifact's archive."""

_SUFFIXES = (".yaml", ".yml")
_REFERENCE = re.compile(
    r"(?P<registry>[a-z0-9.-]+(?::\d{1,5})?)/(?P<repository>[a-z0-9._/-]+)"
    r"(?::(?P<tag>[\w.-]{1,128}))?(?:@(?P<digest>sha256:[0-9a-f]{64}))?",
    re.ASCII,
)


def is_remote(name: str) -> bool:
    """Whether a name stands for an artifact of a registry."""
    return name.startswith(OCI)


def add_base_rules(names: Iterable[str], into: Collected) -> None:
    """Add the rules that the user says come with Falco.

    Raises:
        UsageError: a name is no file and no artifact.
        SourceError: a file cannot be read, or a registry does not give the artifact.
    """
    for name in names:
        into.base_rules += _artifact(name) if is_remote(name) else [_file(name)]


def _file(name: str) -> BaseRules:
    path = Path(name)
    if not path.is_file():
        hint = "the rules that come with Falco: a file, or oci://REGISTRY/REPOSITORY:TAG"
        raise UsageError(f"--falco-rules {name}: no such file", hint=hint)
    data = read_bytes(File(display_path(path), str(path)), MAX_RULES_BYTES)
    if isinstance(data, Unreadable):
        raise SourceError(data.reason, where=name)
    return BaseRules(display_path(path), _text(data, name))


def _text(data: bytes, where: str) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError:
        raise SourceError("the rules are not UTF-8", where=where) from None


def _artifact(name: str) -> list[BaseRules]:
    from kguard.sources.registry import Client, RegistryError, Settings

    found = _REFERENCE.fullmatch(name.removeprefix(OCI))
    if found is None:
        hint = "write oci://ghcr.io/falcosecurity/rules/falco-rules:5"
        raise UsageError(f"--falco-rules {name} is no artifact", hint=hint)
    place = found["registry"], found["repository"]
    client = Client(Settings())
    try:
        raw = client.manifest(*place, found["digest"] or found["tag"] or "latest")
        digest = _layer(raw, name)
        blob = client.blob(*place, digest)
    except RegistryError as error:
        raise SourceError(error.message, where=name) from None
    if blob is None:
        raise SourceError("the registry has the artifact, but not its content", where=name)
    files = [
        BaseRules(
            f"{name}/{member}",
            _text(data, name),
            artifact=f"{OCI}{'/'.join(place)}",
            digest=digest,
        )
        for member, data in _members(blob, name)
    ]
    if not files:
        raise SourceError("the artifact holds no rules file", where=name)
    return files


def _layer(raw: bytes | None, name: str) -> str:
    """The digest of the layer with the rules."""
    if raw is None:
        raise SourceError("the registry has no such artifact", where=name)
    try:
        manifest: Any = msgspec.json.decode(raw)
    except msgspec.DecodeError:
        raise SourceError("the registry's answer is no manifest", where=name) from None
    for layer in map(strings, sequence(mapping(manifest).get("layers"))):
        if layer.get("mediaType") == LAYER and layer.get("digest"):
            return layer["digest"]
    raise SourceError("it is no artifact with Falco rules", where=name)


def _members(blob: bytes, name: str) -> Iterator[tuple[str, bytes]]:
    """The rules files of an archive, by base name; nothing is written to disk."""
    left = MAX_RULES_BYTES
    try:
        with tarfile.open(fileobj=io.BytesIO(blob), mode="r:gz") as archive:
            for number, member in enumerate(archive):
                if number >= MAX_MEMBERS or member.size > left:
                    raise SourceError("the artifact is too large", where=name)
                left -= member.size
                stream = archive.extractfile(member) if member.isreg() else None
                if stream is not None and member.name.endswith(_SUFFIXES):
                    yield member.name.rpartition("/")[2], stream.read()
    except (tarfile.TarError, EOFError, OSError):
        raise SourceError("the artifact is no archive", where=name) from None
