# SPDX-License-Identifier: Apache-2.0
"""How do tests make an inventory of YAML text, without the product's own reader?"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from kguard.inventory import Inventory, build
from kguard.model.manifests import Collected, Manifest, SourceText


class _Loader(yaml.CSafeLoader):
    """YAML as JSON sees it: timestamps stay strings."""


_Loader.yaml_implicit_resolvers = {
    first: [entry for entry in entries if not entry[0].endswith(":timestamp")]
    for first, entries in yaml.CSafeLoader.yaml_implicit_resolvers.items()
}


def manifests(text: str, file: str = "in.yaml") -> list[Manifest]:
    """Every object of a text, lists taken apart."""
    return [
        Manifest(object=found, text=SourceText(file, number, 1, ""))
        for number, document in enumerate(yaml.load_all(text, _Loader))
        for found in _objects(document)
    ]


def inventory(text: str, **settings: Any) -> Inventory:
    """The inventory of a text."""
    return build(Collected(manifests=manifests(text)), **settings)


def folder_inventory(folder: Path) -> Inventory:
    """The inventory of a folder; files that are no YAML are left out."""
    found: list[Manifest] = []
    for path in sorted(folder.rglob("*")):
        if path.suffix in (".yaml", ".yml", ".json") and path.is_file():
            found += manifests(path.read_text(), path.name)
    return build(Collected(manifests=found))


def _objects(value: Any) -> Iterator[dict[str, Any]]:
    if not isinstance(value, dict):
        return
    kind = value.get("kind")
    if isinstance(kind, str) and kind.endswith("List") and isinstance(value.get("items"), list):
        for item in value["items"]:
            default = {"apiVersion": value.get("apiVersion"), "kind": kind.removesuffix("List")}
            yield from _objects({**default, **item})
    elif kind:
        yield value
