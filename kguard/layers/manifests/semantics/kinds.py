# SPDX-License-Identifier: Apache-2.0
"""Does the API server serve this kind under this apiVersion?

Judged only for groups whose kinds are known in full; a CustomResourceDefinition of the input adds
its own. Authority: `kubectl api-resources` of the releases that tables.py names.
"""

from __future__ import annotations

from collections.abc import Collection

from kguard.layers.manifests.semantics.shape import Problem
from kguard.layers.manifests.semantics.tables import kinds


def served(
    api_version: str, kind: str, defined: Collection[tuple[str, str]] = ()
) -> Problem | None:
    """Why the API server answers `no matches for kind`, or None.

    Args:
        api_version: group and version as written.
        kind: the kind as written, case-sensitive.
        defined: (group, kind) pairs that the input itself defines.
    """
    group, _, version = api_version.rpartition("/")
    versions = kinds()["served"].get(group)
    if versions is None or (group, kind) in defined:
        return None
    if kind.endswith("List") and kind.removesuffix("List") in versions.get(version, ()):
        return None
    if kind in versions.get(version, ()):
        return None
    return Problem("/apiVersion", "unknown_kind", _hint(group, version, kind))


def internal(api_version: str, kind: str) -> Problem | None:
    """Whether the kind is a controller's own, made and overwritten by it, or None."""
    group = api_version.rpartition("/")[0]
    if group not in kinds()["internal"]:
        return None
    text = f"{kind} is Knative's own object: its controller makes and overwrites it"
    return Problem("/kind", "internal", text)


def _hint(group: str, version: str, kind: str) -> str:
    head = f"no API server serves {kind} in `{group + '/' if group else ''}{version}`"
    table = kinds()
    moved = table["moved"].get(f"{group}/{kind}")
    if moved:
        return f"{head}; it is served in `{moved}`"
    others = sorted(v for v, names in table["served"][group].items() if kind in names)
    if others:
        return f"{head}; it is served in `{group + '/' if group else ''}{others[0]}`"
    for names in table["served"][group].values():
        for name in names:
            if name.lower() == kind.lower():
                return f"{head}; the kind is written `{name}`"
    elsewhere = sorted(
        f"{g}/{v}"
        for g, known in table["served"].items()
        for v, names in known.items()
        if kind in names and g
    )
    return f"{head}; there is one in `{elsewhere[0]}`" if elsewhere else head
