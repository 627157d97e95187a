# SPDX-License-Identifier: Apache-2.0
"""Which objects does kubectl act on when a document is a list?

Follows k8s.io/apimachinery v0.36.3, unstructured/helpers.go (decodeToList): any object with a
field `items` is a list, whatever its kind, and items without kind and version inherit them.
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
    """The objects of a document with their JSON pointers; the document itself if it is no list."""
    if not isinstance(value, dict):
        yield ItemError("", f"a {type(value).__name__} is no object")
    elif "items" not in value:
        yield "", value
    elif isinstance(value["items"], list):
        yield from _items(value)
    elif value["items"] is not None:
        yield ItemError("/items", "the field items is not a list")


def _items(value: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]] | ItemError]:
    inherited = _type_of(value)
    kind = inherited.get("kind", "")
    inherited["kind"] = kind.removesuffix("List")
    for index, found in enumerate(value["items"]):
        pointer = f"/items/{index}"
        item = {} if found is None else found
        if not isinstance(item, dict):
            yield ItemError(pointer, f"a {type(item).__name__} is no object")
            continue
        if not _type_of(item):
            item = {**item, **inherited}
        if not item.get("kind"):
            yield ItemError(pointer, "Object 'Kind' is missing")
        elif "items" in item:
            yield ItemError(pointer, "a list inside a list is not expanded")
        else:
            yield pointer, item


def _type_of(value: dict[str, Any]) -> dict[str, Any]:
    found = {name: value.get(name) for name in ("apiVersion", "kind")}
    return {name: text for name, text in found.items() if isinstance(text, str) and text}
