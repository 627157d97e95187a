# SPDX-License-Identifier: Apache-2.0
"""What in the input is a template that nobody rendered?"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from kguard.inventory import Inventory
from kguard.layers.manifests.facts.places import file_ref, written
from kguard.model.facts.common import Evidence
from kguard.model.facts.manifests import Template
from kguard.model.locations import escape_pointer
from kguard.model.manifests import Manifest
from kguard.sources.reading import UNRENDERED

_ACTION = re.compile(r"\{\{-?\s*(\.Values|\.Release|\.Chart|\.Capabilities|include|tpl|toYaml)\b")
MAX_PLACES = 5
"""Template actions of one object that are quoted."""
_CARRIERS = frozenset({"ConfigMap", "Secret", "CustomResourceDefinition"})
"""Kinds whose content may well be somebody else's template."""


def templates(inventory: Inventory) -> list[Template]:
    """Files that are templates, and objects with template actions in their values."""
    found = [
        _file(entry.source)
        for entry in inventory.collected.not_evaluated
        if entry.reason == UNRENDERED
    ]
    found += [template for manifest in written(inventory) for template in _object(manifest)]
    return sorted(found, key=lambda t: (t.ref, t.detail))


def _file(source: str) -> Template:
    name, _, line = source.rpartition(":")
    evidence = Evidence(f"file:{name}", line=int(line) if line.isdecimal() else 1)
    ref = file_ref(name)
    return Template(ref, str(ref), "the file is a template", [evidence])


def _object(manifest: Manifest) -> Iterator[Template]:
    if "{{" not in manifest.text.text or manifest.kind in _CARRIERS:
        return
    places = [place for place, text in _strings(manifest.object, "") if _ACTION.search(text)]
    if places:
        more = f" and {len(places) - 1} more" if len(places) > 1 else ""
        detail = f"{places[0][1:].replace('/', '.')}{more}"
        because = [Evidence(manifest.id, place) for place in places[:MAX_PLACES]]
        yield Template(manifest.ref, str(manifest.ref), detail, because)


def _strings(value: Any, place: str) -> Iterator[tuple[str, str]]:
    """All strings of a value with their pointers, without recursion: depth is the user's."""
    waiting = [(place, value)]
    while waiting:
        where, found = waiting.pop()
        if isinstance(found, str):
            yield where, found
        elif isinstance(found, dict):
            items = [(f"{where}/{escape_pointer(key)}", item) for key, item in found.items()]
            waiting += reversed(items)
        elif isinstance(found, list):
            waiting += reversed([(f"{where}/{index}", item) for index, item in enumerate(found)])
