# SPDX-License-Identifier: Apache-2.0
"""Which charts and kustomizations does a change touch that could not be rendered?

What is not rendered on either side and stays as it is hides no effect. What changes hides any.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from kguard.model.findings import Incomplete
from kguard.model.manifests import Collected, Contents, Root

_ARCHIVE = ".tgz"
"""Subcharts that helm has fetched: one side may hold them for the first time, unchanged."""


def touched(base: Collected, head: Collected) -> Iterator[Incomplete]:
    """Those of the head, then those of the base that are gone or only now rendered."""
    told: set[str] = set()
    before = {root.contents for root in base.roots}
    for root in _unrendered(head.roots):
        if root.contents not in before:
            told.add(root.folder)
            yield _said(root, "the change touches it")
    here = {root.contents for root in _unrendered(head.roots)}
    rendered = {_own(root.contents) for root in head.roots if not root.unrendered}
    for root in _unrendered(base.roots):
        same = root.contents in here or _own(root.contents) in rendered
        if not same and root.folder not in told:
            yield _said(root, "the change touches it, and what it was before is not known")


def _unrendered(roots: Sequence[Root]) -> list[Root]:
    return [root for root in roots if root.unrendered]


def _own(contents: Contents) -> Contents:
    return tuple(entry for entry in contents if not entry[0].endswith(_ARCHIVE))


def _said(root: Root, what: str) -> Incomplete:
    return Incomplete(root.folder, f"not rendered: {root.unrendered}; {what}", root.hint)
