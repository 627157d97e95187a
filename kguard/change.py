# SPDX-License-Identifier: Apache-2.0
"""What does a change do, from both of its sides as they are judged?"""

from __future__ import annotations

from typing import Any, NamedTuple

from msgspec.structs import replace

from kguard.engine.base import Engine
from kguard.inventory import Inventory
from kguard.model.differences import Difference
from kguard.model.findings import Incomplete
from kguard.model.manifests import Collected, Manifest
from kguard.scan import Judged, Options, compute, inventory_of, nothing_read, scan
from kguard.triage.diff import Side, Sure, difference
from kguard.triage.edits import Edited
from kguard.triage.unrendered import touched

MAX_TRIED = 12_000
"""Objects that are judged again, over all trials of which change is the cause."""


class Compared(NamedTuple):
    """Both sides of a change, judged."""

    base: Judged
    head: Judged
    options: Options
    """Those of the head."""
    roots: tuple[str, str] = ("", "")
    """The displayed folders of both sides, if they differ."""
    sure: Sure | None = None
    """As `surely` finds it."""


def compare(compared: Compared) -> Difference:
    """What the change does. A side that holds nothing is empty, not unread: that is no doubt."""
    base, head = (
        Side(judged.report, judged.inventory, judged.facts, root)
        for judged, root in zip(compared[:2], compared.roots, strict=True)
    )
    found = difference(base, head, _Trials(compared), compared.sure)
    unread = {e for side in compared[:2] for e in side.report.incomplete if e != _empty(side)}
    unread.update(touched(base.inventory.collected, head.inventory.collected))
    return replace(found, incomplete=tuple(sorted(unread)))


def surely(base: Judged, head: Judged, options: Options, engine: Engine) -> Sure | None:
    """What stays true of the head if nobody applies what no kustomization lists.

    None where nothing is left out, or nothing is otherwise than in the base.
    """
    collected = head.inventory.collected
    listed = [manifest for manifest in collected.manifests if not manifest.text.unlisted_by]
    if len(listed) == len(collected.manifests) or base.facts == head.facts:
        return None
    alone = replace(collected)
    alone.manifests = [replace(manifest) for manifest in listed]
    judged = scan(alone, options, engine)
    return Sure(judged.report.findings, judged.facts)


def _empty(side: Judged) -> Incomplete:
    """What a report says of an input without a single manifest."""
    return nothing_read(side.inventory.collected, side.report.inputs)


class _Trials:
    """The facts of the head without one of its changes, as far as there is time to look."""

    def __init__(self, compared: Compared) -> None:
        self._compared = compared
        self._left = MAX_TRIED
        self._known: dict[tuple[str, str], Any] = {}

    def __call__(self, layer: str, edit: Edited) -> Any:
        """The facts struct; that of the head where the change cannot be taken back."""
        if (layer, edit.name) not in self._known:
            self._known[layer, edit.name] = self._facts(layer, edit)
        return self._known[layer, edit.name]

    def _facts(self, layer: str, edit: Edited) -> Any:
        head, chosen = self._compared.head, self._compared.options
        self._left -= max(len(head.inventory.manifests), 1)
        if self._left < 0:
            return head.facts[layer]
        again = inventory_of(_without(edit, head.inventory), chosen)
        return compute(again, replace(chosen, layers=(layer,)))[layer]


def _without(edit: Edited, head: Inventory) -> Collected:
    """What the head would hold if one object were as it was."""
    collected = replace(head.collected)
    manifests = [m for m in collected.manifests if m is not edit.head]
    if isinstance(edit.base, Manifest):
        manifests.append(edit.base)
    collected.manifests = [replace(manifest) for manifest in manifests]
    return collected


def around(cluster: Collected, base: Collected, options: Options) -> Collected:
    """A cluster without the objects that the base brings: the head may bring them no longer."""
    ours = {manifest.id for manifest in inventory_of(base, options).manifests}
    there = inventory_of(cluster, options).manifests
    found = replace(cluster)
    found.manifests = [manifest for manifest in there if manifest.id not in ours]
    return found
