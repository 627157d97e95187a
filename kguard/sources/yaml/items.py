# SPDX-License-Identifier: Apache-2.0
"""Which objects does kubectl act on when a document is a list, and which does it refuse?

Follows k8s.io/apimachinery v0.36.3, unstructured/helpers.go (decodeToList): any object with a
field `items` is a list, whatever its kind, and items without kind and version inherit them; and
k8s.io/cli-runtime v0.36.3, resource/metadata_decoder.go: metadata must have the right types.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec


class ItemError(msgspec.Struct, frozen=True):
    """A part of a document that kubectl cannot act on."""

    pointer: str
    message: str


def expand_items(value: Any) -> Iterator[tuple[str, dict[str, Any]] | ItemError]:
    """The objects of a document with their JSON pointers; the document itself if it is no list.

    A mapping without kind is no object and is handed on as it is.
    """
    if not isinstance(value, dict):
        yield ItemError("", f"a {_name(value)} is no object")
    elif "items" not in value or not _text(value, "kind"):
        yield "", value
    elif isinstance(value["items"], list):
        yield from _items(value)
    elif value["items"] is not None:
        yield ItemError("/items", "the field items is not a list")


def refusal(value: dict[str, Any]) -> str | None:
    """Why kubectl refuses an object before it sends it anywhere; None if it does not."""
    if not _text(value, "kind"):
        return "Object 'Kind' is missing"
    version = value.get("apiVersion")
    if version is not None and not isinstance(version, str):
        return f"apiVersion is a {_name(version)} where text is needed"
    if version is not None and version.count("/") > 1:
        return f"apiVersion {version!r} is no group and version"
    metadata = value.get("metadata")
    if metadata is None:
        return None
    if not isinstance(metadata, dict):
        return f"metadata is a {_name(metadata)}"
    for field, found in metadata.items():
        if (problem := _problem(field, found)) is not None:
            return f"metadata.{problem}"
    return None


_TEXT_FIELDS = frozenset(
    ["name", "generateName", "namespace", "selfLink", "uid", "resourceVersion"]
)
_TEXT_MAPS = frozenset(["labels", "annotations"])


def _problem(field: str, found: Any) -> str | None:
    if found is None:
        return None
    if field in _TEXT_FIELDS and not isinstance(found, str):
        return f"{field} is a {_name(found)} where text is needed"
    if field in _TEXT_MAPS:
        if not isinstance(found, dict):
            return f"{field} is a {_name(found)}"
        for name, text in found.items():
            if text is not None and not isinstance(text, str):
                return f"{field}.{name} is a {_name(text)} where text is needed"
    return None


def _items(value: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]] | ItemError]:
    items = [{} if item is None else item for item in value["items"]]
    for index, item in enumerate(items):
        if not isinstance(item, dict):
            # One such item makes kubectl refuse the list.
            yield ItemError(f"/items/{index}", f"a {_name(item)} is no object")
            return
    inherited = {"apiVersion": _text(value, "apiVersion")}
    inherited["kind"] = _text(value, "kind").removesuffix("List")
    for index, item in enumerate(items):
        yield _item(f"/items/{index}", item, inherited)


def _item(
    pointer: str, item: dict[str, Any], inherited: dict[str, str]
) -> tuple[str, dict[str, Any]] | ItemError:
    if not _text(item, "kind") and not _text(item, "apiVersion"):
        item = {**item, **inherited}
    for field in ("kind", "apiVersion"):
        if not _text(item, field):
            return ItemError(pointer, f"{field} is missing")
    if "items" in item:
        return ItemError(pointer, "a list inside a list is not expanded")
    return pointer, item


def _text(value: dict[str, Any], field: str) -> str:
    found = value.get(field)
    return found if isinstance(found, str) else ""


def _name(value: Any) -> str:
    """A value's type in JSON's words."""
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, str):
        return "text"
    if isinstance(value, (int, float)):
        return "number"
    return "list" if isinstance(value, list) else "mapping"
