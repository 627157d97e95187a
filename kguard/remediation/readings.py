# SPDX-License-Identifier: Apache-2.0
"""Do the remedies hold under every network plugin that the user may run?

Plugins read the API differently where it leaves room. Where nothing tells which one runs, the
input is judged again, before and after, as each of them reads it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import msgspec

from kguard import layers
from kguard.model.findings import Report
from kguard.model.manifests import Collected

_SETTING = "cni"
_UNKNOWN = "generic"

ScanAs = Callable[[Collected, Mapping[str, str]], Any]
"""Judges an input with other assumptions about the cluster; only the network layer is needed."""


class Reading(msgspec.Struct, frozen=True):
    """Whether the proof holds as one plugin reads the policies."""

    plugin: str
    holds: bool
    because: str = ""
    """The first counterexample where it does not."""


def readings(before: Any, after: Any, scan_as: ScanAs) -> Iterator[Reading]:
    """The proof under each plugin; nothing where the plugin is known, or no remedy is the layer's.

    Args:
        before: the state of the input (`State` of `plan`).
        after: the state with the remedies applied.
        scan_as: judges an input under other assumptions.
    """
    known = before.inventory.value(_SETTING)
    if "network" not in before.facts or known not in ("", _UNKNOWN):
        return
    for plugin in layers.load("network").plugins:
        old = scan_as(before.inventory.collected, {_SETTING: plugin})
        new = scan_as(after.inventory.collected, {_SETTING: plugin})
        harm = _harm(old, new) or _left(before, after, old.report, new.report)
        yield Reading(plugin, not harm, harm)


def _harm(old: Any, new: Any) -> str:
    network = "network"
    found = layers.load(network).compare(old.facts[network], new.facts[network])
    for words, changes in (
        ("cuts", found.cut),
        ("weakens", found.weaker),
        ("opens", found.opened),
    ):
        for change in changes:
            return f"{words} {change.target}: {change.text}"
    return ""


def _left(before: Any, after: Any, old: Report, new: Report) -> str:
    """A finding that the remedies close, and that stays open as this plugin reads them."""
    closed = (_open(before.report) - _open(after.report)) & _open(old)
    for finding in new.findings:
        if finding.fingerprint in closed and finding.state in ("open", "unknown"):
            return f"leaves {finding.policy} of {finding.target} open"
    return ""


def _open(report: Report) -> set[str]:
    return {f.fingerprint for f in report.findings if f.layer == "network" and f.state == "open"}
