# SPDX-License-Identifier: Apache-2.0
"""Which documents does a deployer read from a file, where do they stand, what is ambiguous?

    load            bytes of a file -> Document | Broken, one for each document
    expand_items    the value of a document -> the objects that kubectl acts on
    refusal         why kubectl would not act on such an object
    locate          where the value of a JSON pointer stands
    lines_of        the lines of a text

The readers are exact models of `kubectl apply -f` (profile `kubectl`) and of kustomize (profile
`kustomize`), held against recorded answers and an oracle that calls the real packages.
"""

from __future__ import annotations

from kguard.sources.yaml.documents import (
    Ambiguity,
    Broken,
    Document,
    Location,
    Profile,
    ReadError,
    Trap,
)
from kguard.sources.yaml.fast_alike import lines_of
from kguard.sources.yaml.items import ItemError, expand_items, refusal
from kguard.sources.yaml.locate import locate
from kguard.sources.yaml.reader import load

__all__ = [
    "Ambiguity",
    "Broken",
    "Document",
    "ItemError",
    "Location",
    "Profile",
    "ReadError",
    "Trap",
    "expand_items",
    "lines_of",
    "load",
    "locate",
    "refusal",
]
