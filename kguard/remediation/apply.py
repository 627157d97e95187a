# SPDX-License-Identifier: Apache-2.0
"""What would the input be with these proposals applied?

Files are edited as text, by splices that keep every other byte, and read again; objects of a
cluster or of a renderer's output are edited as values, because there is no text to keep.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any

import msgspec

from kguard.errors import RemediationError
from kguard.inventory import Inventory
from kguard.model.locations import pointer_tokens
from kguard.model.manifests import (
    Collected,
    Manifest,
    PlainDocument,
    SourceText,
    copied,
    mapping,
)
from kguard.model.remedies import Create, Edit, Operation, WriteFile
from kguard.sources.yaml import Broken, Document, load
from kguard.sources.yaml.emit import emit
from kguard.sources.yaml.splice import SpliceRefused, applied, splice

Applicable = Create | Edit | WriteFile

_REMEMBERED = 4096
"""New objects of which the text is kept: the search for a harmless plan applies them many times."""


class Applied(msgspec.Struct):
    """An input with proposals applied."""

    collected: Collected
    texts: dict[tuple[str, int], str]
    """The new text of each edited document, by file and document index."""
    originals: dict[tuple[str, int], SourceText]
    patched_objects: dict[str, tuple[Operation, ...]]
    """Operations on objects without a text of their own, by `Manifest.id`."""
    created: dict[str, str]
    """New files by name, relative to the folder of remedies."""


def apply(inventory: Inventory, proposals: Sequence[Applicable]) -> Applied:
    """Apply proposals to everything that was collected; the inventory is left as it is.

    Raises:
        RemediationError: an edit names something that the input does not hold, or cannot be
            spliced into its text.
    """
    result = Applied(_copy(inventory.collected), {}, {}, {}, {})
    edits: dict[str, list[Edit]] = {}
    for proposal in proposals:
        if isinstance(proposal, Edit):
            edits.setdefault(proposal.ref, []).append(proposal)
        else:
            _add(result, proposal)
    held = _Held(result.collected.manifests if edits else ())
    for ref, found in sorted(edits.items()):
        operations = tuple(_merged(op for edit in found for op in edit.operations))
        _edit(inventory, result, held, ref, operations)
    return result


class _Held:
    """The manifests by the document that they stand in, and by identity."""

    def __init__(self, manifests: Iterable[Manifest]) -> None:
        self.by_text: dict[tuple[str, int], list[Manifest]] = {}
        self.by_id: dict[str, list[Manifest]] = {}
        for manifest in manifests:
            self.by_id.setdefault(manifest.id, []).append(manifest)
            if not manifest.text.cluster:
                place = (manifest.text.file, manifest.text.index)
                self.by_text.setdefault(place, []).append(manifest)


def _copy(collected: Collected) -> Collected:
    return msgspec.structs.replace(
        collected,
        manifests=[copy.copy(manifest) for manifest in collected.manifests],
        documents=list(collected.documents),
    )


def _merged(operations: Iterable[Operation]) -> list[Operation]:
    """Without repetitions: two findings may ask for the same edit."""
    found: list[Operation] = []
    for operation in operations:
        if operation not in found:
            found.append(operation)
    return found


def _add(result: Applied, proposal: Create | WriteFile) -> None:
    if isinstance(proposal, Create):
        encoded = msgspec.json.encode(proposal.object)
        name, content = file_name(proposal.object), _written(encoded)
    else:
        name, content = proposal.name, proposal.content
    if result.created.get(name, content) != content:
        raise RemediationError(f"two remedies want to write {name}")
    if name in result.created:
        return
    result.created[name] = content
    for document in _documents(content):
        if not isinstance(document, Document):
            raise RemediationError(f"the new file {name} cannot be read: {document.message}")
        text = SourceText(name, document.index, 1, document.text, block=document.block)
        _hold(result.collected, document.value, text)


@lru_cache(maxsize=_REMEMBERED)
def _written(encoded: bytes) -> str:
    return emit(msgspec.json.decode(encoded))


@lru_cache(maxsize=_REMEMBERED)
def _documents(content: str) -> tuple[Document | Broken, ...]:
    return tuple(load(content.encode()))


def _hold(collected: Collected, value: Any, text: SourceText) -> None:
    fields = mapping(value)
    if isinstance(fields.get("apiVersion"), str) and isinstance(fields.get("kind"), str):
        collected.manifests.append(Manifest(fields, text))
    else:
        collected.documents.append(PlainDocument(value, text))


def file_name(created: dict[str, Any]) -> str:
    """The name of the file for a new object: `kind-namespace-name.yaml`, without odd characters."""
    metadata = mapping(created.get("metadata"))
    parts = (created.get("kind"), metadata.get("namespace"), metadata.get("name"))
    words = "-".join(str(part).lower() for part in parts if part)
    return "".join(c if c.isalnum() or c in "-." else "-" for c in words)[:200] + ".yaml"


def _edit(
    inventory: Inventory,
    result: Applied,
    held: _Held,
    ref: str,
    operations: tuple[Operation, ...],
) -> None:
    target = inventory.by_id(ref)
    if not isinstance(target, Manifest | PlainDocument):
        raise RemediationError(f"a remedy edits {ref}, which is not in the input")
    prefix = target.pointer if isinstance(target, Manifest) else ""
    text = target.text
    if text.cluster or text.rendered_by:
        _edit_value(result, held, ref, target, operations)
        return
    key = (text.file, text.index)
    absolute = tuple(Operation(op.op, prefix + op.pointer, copied(op.value)) for op in operations)
    before = result.texts.get(key, text.text)
    try:
        after = splice(before, absolute, profile=text.profile)
    except SpliceRefused as error:
        raise RemediationError(
            f"{text.file} cannot be edited in place: {error}", where=f"{text.file}:{text.line}"
        ) from None
    result.originals.setdefault(key, text)
    result.texts[key] = after
    _read_again(result.collected, held, text, after)


def _read_again(collected: Collected, held: _Held, text: SourceText, after: str) -> None:
    """Replace everything of one document by what its new text says."""
    fresh = next(iter(load(after.encode(), profile=text.profile)))
    if not isinstance(fresh, Document):
        raise RemediationError(f"{text.file} could not be read again: {fresh.message}")
    new = msgspec.structs.replace(text, text=after, block=False)
    for manifest in held.by_text.get((text.file, text.index), ()):
        manifest.object = mapping(_resolve(fresh.value, manifest.pointer))
        manifest.text = new
    collected.documents = [
        PlainDocument(fresh.value, new) if _same(plain.text, text) else plain
        for plain in collected.documents
    ]


def _same(one: SourceText, other: SourceText) -> bool:
    return (one.file, one.index) == (other.file, other.index) and not one.cluster


def _resolve(value: Any, pointer: str) -> Any:
    for token in pointer_tokens(pointer):
        value = value[int(token)] if isinstance(value, list) else value[token]
    return value


def _edit_value(
    result: Applied,
    held: _Held,
    ref: str,
    target: Manifest | PlainDocument,
    operations: tuple[Operation, ...],
) -> None:
    result.patched_objects[ref] = operations
    if isinstance(target, PlainDocument):
        value = patched(target.value, operations)
        result.collected.documents = [
            PlainDocument(value, d.text) if d.id == ref else d for d in result.collected.documents
        ]
        return
    for manifest in held.by_id.get(ref, ()):
        manifest.object = patched(target.object, operations)


def patched(value: Any, operations: Iterable[Operation]) -> Any:
    """A deep copy of a value with the operations applied (RFC 6902 semantics).

    Raises:
        RemediationError: a pointer leads nowhere.
    """
    for operation in operations:
        try:
            value = applied(value, operation)
        except SpliceRefused as error:
            raise RemediationError(str(error)) from None
    return value


def as_json_patch(operations: Iterable[Operation]) -> str:
    """The operations as an RFC 6902 document."""
    rows = []
    for operation in operations:
        row = {"op": operation.op, "path": operation.pointer}
        rows.append(row if operation.op == "remove" else {**row, "value": operation.value})
    return json.dumps(rows, indent=2) + "\n"
