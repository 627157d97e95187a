# SPDX-License-Identifier: Apache-2.0
"""Which objects stand in YAML that a manifest holds as a string?"""

from __future__ import annotations

from kguard.model.manifests import JsonObject


def documents(text: str) -> list[JsonObject]:
    """The objects of a YAML text in order; what is no object or cannot be read is left out."""
    from kguard.sources.yaml import Document, load

    found = [item.value for item in load(text.encode()) if isinstance(item, Document)]
    return [value for value in found if isinstance(value, dict)]
