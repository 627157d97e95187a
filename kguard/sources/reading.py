# SPDX-License-Identifier: Apache-2.0
"""What does one file hold: manifests, other documents, templates, or something broken?"""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from typing import Any, Literal

import msgspec

from kguard.model.manifests import (
    Ambiguity,
    AmbiguousText,
    Collected,
    Manifest,
    NotEvaluated,
    PlainDocument,
    PlainFile,
    SourceText,
    Unreadable,
)
from kguard.sources.files import File
from kguard.sources.limits import MAX_FILE_BYTES, MAX_PLAIN_FILE_BYTES
from kguard.sources.yaml import Ambiguity as Trap
from kguard.sources.yaml import Broken, Document, ItemError, expand_items, load, locate

Profile = Literal["kubectl", "kustomize"]

TEMPLATE = re.compile(r"\{\{.*?\}\}|\{%.*?%\}", re.DOTALL)
UNRENDERED = "a template that was not rendered"


def read_bytes(file: File, limit: int) -> bytes | Unreadable:
    """The content of a file, unless it is too large or cannot be read."""
    try:
        with Path(file.path).open("rb") as stream:
            data = stream.read(limit + 1)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        return Unreadable(file.display, reason=f"the file cannot be read: {reason}")
    return data if len(data) <= limit else _too_large(file.display, limit)


def _too_large(display: str, limit: int) -> Unreadable:
    return Unreadable(display, reason=f"the file is larger than {limit >> 20} MiB")


def read_plain(file: File, into: Collected) -> None:
    """Read a file that is no YAML and that a layer owns."""
    data = read_bytes(file, MAX_PLAIN_FILE_BYTES)
    into.looked_at += 1
    if isinstance(data, Unreadable):
        into.unreadable.append(data)
    else:
        plain(data, file.display, into)


def plain(data: bytes, display: str, into: Collected) -> None:
    """Keep the content of a file that is no YAML and that a layer owns."""
    if len(data) > MAX_PLAIN_FILE_BYTES:
        into.unreadable.append(_too_large(display, MAX_PLAIN_FILE_BYTES))
    elif b"\0" not in data:
        into.files.append(PlainFile(display, data.decode(errors="replace")))


class Known:
    """What files were found to hold, so that both sides of a change are parsed once.

    A file is known by its name and by the digest that git gives its bytes; what is parsed of it is
    shared, what an inventory writes into a manifest is not.
    """

    def __init__(self) -> None:
        self._found: dict[tuple[str, str, bool], Collected] = {}

    def read(self, file: File, into: Collected, *, fast: bool = True) -> None:
        """As `read_manifests`."""
        data = read_bytes(file, MAX_FILE_BYTES)
        if isinstance(data, Unreadable):
            into.looked_at += 1
            into.unreadable.append(data)
            return
        digest = _digest(data)
        if not self.holds(file.display, digest, fast=fast):
            self.learn(file.display, digest, data, fast=fast)
        self.add(file.display, digest, into, fast=fast)

    def holds(self, display: str, digest: str, *, fast: bool = True) -> bool:
        """Whether a file was read already."""
        return (display, digest, fast) in self._found

    def learn(self, display: str, digest: str, data: bytes, *, fast: bool = True) -> None:
        """Read a file as manifests."""
        found = self._found[display, digest, fast] = Collected()
        parse(data, SourceText(display, 0, 1, ""), found, fast=fast)

    def add(self, display: str, digest: str, into: Collected, *, fast: bool = True) -> None:
        """Add what was found in a file."""
        into.looked_at += 1
        _add(self._found[display, digest, fast], into)


def _digest(data: bytes) -> str:
    """The name that git gives these bytes (where it names them by SHA-1; else none is the same)."""
    return hashlib.sha1(b"blob %d\0" % len(data) + data, usedforsecurity=False).hexdigest()


def _add(found: Collected, into: Collected) -> None:
    """Copies of what was found in a file."""
    texts: dict[int, SourceText] = {}

    def copied(text: SourceText) -> SourceText:
        return texts.setdefault(id(text), msgspec.structs.replace(text))

    for manifest in found.manifests:
        into.manifests.append(Manifest(manifest.object, copied(manifest.text), manifest.pointer))
    for document in found.documents:
        into.documents.append(PlainDocument(document.value, copied(document.text)))
    for entry in found.ambiguous:
        into.ambiguous.append(AmbiguousText(copied(entry.text), entry.ambiguities))
    into.unreadable += found.unreadable
    into.not_evaluated += found.not_evaluated


def read_manifests(
    file: File, into: Collected, *, fast: bool = True, profile: Profile = "kubectl", group: str = ""
) -> None:
    """Read a YAML or JSON file; `group` is the kustomization that applies it, if one does."""
    data = read_bytes(file, MAX_FILE_BYTES)
    into.looked_at += 1
    if isinstance(data, Unreadable):
        into.unreadable.append(data)
        return
    text = SourceText(file.display, 0, 1, "", profile=profile, apply_set=group)
    parse(data, text, into, fast=fast)


def parse(data: bytes, origin: SourceText, into: Collected, *, fast: bool = True) -> None:
    """Sort the documents of some bytes into what they are.

    Args:
        data: the bytes of a file, of standard input or of a renderer's output.
        origin: the fields that all documents share.
        into: takes what was found.
        fast: whether the loader may take its fast path.
    """
    for entry in load(data, profile=origin.profile, fast=fast):
        if isinstance(entry, Broken):
            _broken(entry, data, origin, into)
        else:
            _document(entry, origin, into)


def _document(entry: Document, origin: SourceText, into: Collected) -> None:
    text = SourceText(
        origin.file,
        entry.index,
        entry.line,
        entry.text,
        origin.profile,
        origin.rendered_by,
        origin.cluster,
        origin.apply_set,
        entry.block,
        entry.shape,
    )
    if entry.ambiguities:
        into.ambiguous.append(AmbiguousText(text, tuple(map(_ambiguity, entry.ambiguities))))
    if not is_object(entry.value):
        into.documents.append(PlainDocument(entry.value, text))
        return
    for found in expand_items(entry.value):
        if isinstance(found, ItemError):
            _refused(found, text, into)
        else:
            into.manifests.append(Manifest(found[1], text, found[0]))


def _ambiguity(found: Trap) -> Ambiguity:
    return Ambiguity(found.trap, found.pointer, found.span, found.other, found.detail)


def _refused(item: ItemError, text: SourceText, into: Collected) -> None:
    span = locate(text.text, text.line, item.pointer).value
    into.unreadable.append(Unreadable(text.file, span.line, span.column, item.message))


def is_object(value: Any) -> bool:
    """Whether a document is a Kubernetes object: it has an apiVersion and a kind."""
    if not isinstance(value, dict):
        return False
    return isinstance(value.get("apiVersion"), str) and isinstance(value.get("kind"), str)


def _broken(entry: Broken, data: bytes, origin: SourceText, into: Collected) -> None:
    """A broken document with template actions is a template; any other is unreadable."""
    if b"\0" not in data and TEMPLATE.search(data.decode(errors="replace")):
        into.not_evaluated.append(NotEvaluated(f"{origin.file}:{entry.line}", UNRENDERED))
        return
    into.unreadable.append(
        Unreadable(origin.file, entry.line, entry.column, entry.message, entry.hint)
    )
