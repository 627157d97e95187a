# SPDX-License-Identifier: Apache-2.0
"""Can the bytes behind an image reference change without the manifest changing?

Only a digest names bytes (OCI image specification, descriptor.md). A tag is a pointer that its
owner may move; by convention some tags are meant to be moved, and those are told apart here:
`latest` and an absent tag, channels (`stable`, `main` ...), tags without any number (`alpine`),
and versions with fewer than three numbers (`1`, `1.2`), which distributors move with every patch
release.
"""

from __future__ import annotations

import re

from kguard.layers.images.semantics.references import DEFAULT_TAG, Reference
from kguard.model.facts.images import Mutability

_CHANNELS = frozenset(
    {"stable", "edge", "nightly", "main", "master", "trunk", "develop", "dev", "devel", "head"}
    | {"canary", "current", "lts", "mainline", "rolling", "release", "prod", "production"}
    | {"staging", "test", "testing", "qa", "snapshot", "beta", "alpha", "rc", "next"}
)
_SHORT_VERSION = re.compile(r"v?\d{1,4}(\.\d{1,4})?\Z")
_SEPARATOR = re.compile(r"[-_]")


def mutability(reference: Reference) -> Mutability:
    """How a reference names its image."""
    if reference.digest:
        return "digest"
    tag = reference.tag or DEFAULT_TAG
    head = _SEPARATOR.split(tag.lower(), maxsplit=1)[0]
    if DEFAULT_TAG in _SEPARATOR.split(tag.lower()):
        return "latest"
    numbered = any(character.isdigit() for character in tag)
    floating = not numbered or head in _CHANNELS or bool(_SHORT_VERSION.match(head))
    return "floating_tag" if floating else "version_tag"


def why(reference: Reference, kind: Mutability) -> str:
    """One clause for people that says why the reference is of this kind."""
    match kind:
        case "digest":
            return "a digest names these bytes and no others"
        case "latest" if not reference.tag:
            return "no tag is given, so the runtime pulls :latest"
        case "latest":
            return f"the tag {reference.tag} is moved with every release"
        case "floating_tag":
            return f"the tag {reference.tag} is meant to be moved"
        case _:
            return f"the tag {reference.tag} can be moved by whoever may push to the registry"
