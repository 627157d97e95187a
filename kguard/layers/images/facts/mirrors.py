# SPDX-License-Identifier: Apache-2.0
"""For which images of the input does another host answer?"""

from __future__ import annotations

from collections.abc import Sequence

from kguard.inventory import Inventory
from kguard.layers.images.facts.uses import Use
from kguard.layers.images.semantics.mirrors import Mirror, read_mirrors
from kguard.model.facts.common import Evidence
from kguard.model.facts.images import MirrorFact
from kguard.model.manifests import ObjectRef, PlainFile


def mirror_facts(inventory: Inventory, uses: Sequence[Use]) -> tuple[list[MirrorFact], list[str]]:
    """The mirrors of all containerd files, and the files that cannot be read."""
    found: list[MirrorFact] = []
    problems: list[str] = []
    for file in sorted(inventory.files, key=lambda f: f.file):
        if not file.file.endswith(".toml"):
            continue
        try:
            mirrors = read_mirrors(file.file, file.content) or []
        except ValueError as error:
            problems.append(f"{file.file}: no TOML: {error}")
            continue
        found += [_fact(file, mirror, uses) for mirror in mirrors]
    return found, problems


def _fact(file: PlainFile, mirror: Mirror, uses: Sequence[Use]) -> MirrorFact:
    answered = [u for u in uses if u.reference and mirror.answers_for(u.reference)]
    unpinned = [u for u in answered if u.mutability not in ("digest", "resolved")]
    registry = "every registry" if mirror.registry == "*" else mirror.registry
    words = "says which digest a tag names and serves it" if mirror.resolves else "serves digests"
    because = [Evidence(file.id, "", f"{mirror.host} {words} for {registry}", line=mirror.line)]
    if mirror.note:
        because.append(Evidence(file.id, "", mirror.note, role="related", line=mirror.line))
    return MirrorFact(
        ref=ObjectRef(kind="File", name=file.file),
        registry=mirror.registry,
        host=mirror.host,
        form=mirror.form,
        same_registry="false" if mirror.is_other else "true",
        resolves="true" if mirror.resolves else "false",
        encrypted="true" if mirror.encrypted else "false",
        images=len(answered),
        unpinned=len(unpinned),
        because=because,
    )
