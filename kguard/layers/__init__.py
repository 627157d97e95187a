# SPDX-License-Identifier: Apache-2.0
"""Which layers are there? Each is imported only when it is asked for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import Any

from kguard.model.findings import LAYERS
from kguard.model.layer import Change, Comparison, Layer
from kguard.model.remedies import RemedyFunction

NAMES = (*LAYERS, "manifests")
"""All facts documents that a scan computes from the inventory, in the order of reports."""

JOINED = "cross"
"""The document that is computed from those of the five protection layers."""

DOCUMENTS = (*NAMES, JOINED)


def load(name: str) -> Layer[Any]:
    """The layer of a name (one of `DOCUMENTS`)."""
    layer: Layer[Any] = import_module(f"kguard.layers.{name}").LAYER
    return layer


def remedies(name: str) -> Mapping[str, RemedyFunction]:
    """The remedy functions of a layer, by the name that policies use, in the order of trying.

    What one closes is not proposed again by those after it: the least intrusive come first.
    """
    module = import_module(f"kguard.layers.{name}.remedy")
    found: Mapping[str, RemedyFunction] = module.REMEDIES
    return found


def compare(before: Mapping[str, Any], after: Mapping[str, Any]) -> Comparison:
    """The differences of effect of all layers together, from their facts structs."""
    found: dict[str, tuple[Change, ...]] = dict.fromkeys(Comparison.__struct_fields__, ())
    for _, one in comparisons(before, after):
        for field in found:
            found[field] += getattr(one, field)
    return Comparison(**found)


def comparisons(
    before: Mapping[str, Any], after: Mapping[str, Any]
) -> Iterator[tuple[str, Comparison]]:
    """The differences of effect of each layer, with its name."""
    for name, facts in before.items():
        yield name, load(name).compare(facts, after[name])
