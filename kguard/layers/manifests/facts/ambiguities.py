# SPDX-License-Identifier: Apache-2.0
"""Which places of the user's objects do readers of YAML understand differently?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from kguard.inventory import Inventory
from kguard.layers.manifests.facts.places import file_ref, path, weight, written
from kguard.model.facts.common import Evidence
from kguard.model.facts.manifests import Ambiguity, TrapClass
from kguard.model.manifests import Ambiguity as Place
from kguard.model.manifests import AmbiguousText, Manifest

TRAP_CLASSES: Mapping[str, TrapClass] = {
    "anchor-redefined": "odd_text",
    "big-number": "guessed_value",
    "binary-number": "guessed_value",
    "bool-word": "guessed_value",
    "byte-order-mark": "odd_text",
    "colliding-keys": "repeated_key",
    "duplicate-key": "repeated_key",
    "equals-sign": "guessed_value",
    "explicit-tag": "odd_text",
    "exponent-number": "guessed_value",
    "flow-key-without-space": "lost_text",
    "folded-scalar": "odd_text",
    "invalid-utf8": "odd_text",
    "json-stream": "lost_text",
    "line-break-character": "odd_text",
    "merge-after-key": "merge",
    "merge-twice": "merge",
    "no-final-newline": "odd_text",
    "non-string-key": "guessed_value",
    "octal-number": "guessed_value",
    "padded-number": "guessed_value",
    "sexagesimal-number": "guessed_value",
    "text-after-end": "lost_text",
    "timestamp": "guessed_value",
    "underscore-number": "guessed_value",
}


def ambiguities(inventory: Inventory) -> list[Ambiguity]:
    """The ambiguous places of objects; of other documents only keys that contradict each other."""
    by_text: dict[int, list[Manifest]] = {}
    for manifest in written(inventory):
        by_text.setdefault(id(manifest.text), []).append(manifest)
    found: list[Ambiguity] = []
    for text in inventory.collected.ambiguous:
        found += _of_text(text, by_text.get(id(text.text), []))
    return sorted(found, key=lambda a: (a.ref, a.path, a.trap, a.detail))


def _of_text(text: AmbiguousText, manifests: list[Manifest]) -> Iterator[Ambiguity]:
    for place in text.ambiguities:
        trap_class = TRAP_CLASSES.get(place.trap, "odd_text")
        owner = _owner(place, manifests)
        if owner is not None:
            yield _in_object(place, trap_class, owner)
        elif not manifests and trap_class in ("repeated_key", "merge"):
            yield _in_document(place, trap_class, text)


def _owner(place: Place, manifests: list[Manifest]) -> Manifest | None:
    for manifest in manifests:
        if place.pointer == manifest.pointer or place.pointer.startswith(manifest.pointer + "/"):
            return manifest
    return manifests[0] if manifests else None


def _in_object(place: Place, trap_class: TrapClass, owner: Manifest) -> Ambiguity:
    inside = place.pointer.removeprefix(owner.pointer)
    return Ambiguity(
        ref=owner.ref,
        subject=str(owner.ref),
        trap=place.trap,
        trap_class=trap_class,
        weight=weight(owner),
        path=path(inside),
        detail=place.detail,
        because=[Evidence(owner.id, inside, _note(place))],
    )


def _in_document(place: Place, trap_class: TrapClass, text: AmbiguousText) -> Ambiguity:
    suffix = f"#{text.text.index + 1}" if text.text.index else ""
    ref = file_ref(text.text.file + suffix)
    return Ambiguity(
        ref=ref,
        subject=str(ref),
        trap=place.trap,
        trap_class=trap_class,
        weight="other",
        path=path(place.pointer),
        detail=place.detail,
        because=[Evidence(f"file:{text.text.file}{suffix}", place.pointer, _note(place))],
    )


def _note(place: Place) -> str:
    if place.other is None:
        return ""
    return f"line {place.other.line} says otherwise"
