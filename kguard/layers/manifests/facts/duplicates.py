# SPDX-License-Identifier: Apache-2.0
"""Which objects are defined twice with different content?

What is applied together is one rendering, or one file. The files of one folder may be (`kubectl
apply -f FOLDER`), or may be alternatives of which somebody chooses one; nothing in them tells. The
same object in two renderings or folders is two environments.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

from kguard.inventory import Inventory
from kguard.layers.manifests.facts.places import weight, written
from kguard.model.facts.common import Evidence
from kguard.model.facts.manifests import Duplicate, Together, Weight
from kguard.model.manifests import Manifest


def duplicates(inventory: Inventory) -> list[Duplicate]:
    """Definitions that contradict each other, by object."""
    if not inventory.shadowed:
        return []
    objects: dict[str, list[Manifest]] = {}
    for manifest in written(inventory):
        if manifest.metadata.get("name"):
            objects.setdefault(manifest.id.partition("#")[0], []).append(manifest)
    found = [one for group in objects.values() if len(group) > 1 for one in _judged(group)]
    return sorted(found, key=lambda d: (d.ref, d.detail))


def _judged(group: Sequence[Manifest]) -> Iterator[Duplicate]:
    """At most one: what is certain outweighs what is possible."""
    if certain := _contradicting(group, _rendering_or_file):
        because = [step for one in certain for step in _overwritten(one)]
        yield _duplicate(certain[-1], "certain", because)
    elif possible := _contradicting(group, _rendering_or_folder):
        because = [step for one in possible for step in _alternatives(one)]
        yield _duplicate(possible[-1], "possible", because)


def _rendering_or_file(manifest: Manifest) -> str:
    return manifest.text.apply_set or f"file {manifest.text.file}"


def _rendering_or_folder(manifest: Manifest) -> str:
    return manifest.text.apply_set or f"folder {manifest.text.file.rpartition('/')[0]}"


def _contradicting(
    group: Iterable[Manifest], apply_set: Callable[[Manifest], str]
) -> list[list[Manifest]]:
    """The sets whose definitions are not all equal, each in the order of applying."""
    sets: dict[str, list[Manifest]] = {}
    for manifest in sorted(group, key=lambda m: (m.text.file, m.text.index, m.pointer)):
        sets.setdefault(apply_set(manifest), []).append(manifest)
    found = [sets[name] for name in sorted(sets)]
    return [one for one in found if any(m.object != one[0].object for m in one[1:])]


def _overwritten(definitions: Sequence[Manifest]) -> Iterator[Evidence]:
    *earlier, last = definitions
    yield from (Evidence(m.id, "/metadata/name", "is overwritten") for m in earlier)
    yield Evidence(last.id, "/metadata/name", "is applied last and counts")


def _alternatives(definitions: Sequence[Manifest]) -> Iterator[Evidence]:
    *earlier, last = definitions
    yield from (Evidence(m.id, "/metadata/name", "one definition") for m in earlier)
    yield Evidence(last.id, "/metadata/name", "the last by file name: this one was judged")


def _duplicate(
    definitions: Sequence[Manifest], together: Together, because: list[Evidence]
) -> Duplicate:
    last, number = definitions[-1], len(definitions)
    times = "twice" if number == 2 else f"{number} times"  # noqa: PLR2004 - a word of its own
    return Duplicate(last.ref, str(last.ref), together, _weight(definitions), times, because)


def _weight(definitions: Sequence[Manifest]) -> Weight:
    """Whether any of them is a protection: which one counts decides whether there is one."""
    return "security" if any(weight(m) == "security" for m in definitions) else "other"
