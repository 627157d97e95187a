# SPDX-License-Identifier: Apache-2.0
"""How are clusters audited one after the other?

A cluster that cannot be read or judged is incomplete, with the reason; the others are audited all
the same. What was read of one is forgotten before the next is read.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC

import msgspec

from kguard.errors import KguardError
from kguard.fleet.members import Member
from kguard.model.findings import Incomplete, LayerCoverage, Report
from kguard.model.manifests import Collected, Manifest
from kguard.scan import Judged
from kguard.selection import Options


class Outcome(msgspec.Struct, frozen=True):
    """What came of one cluster."""

    member: Member
    report: Report
    judged: Judged | None
    """None where nothing could be judged."""


def audit(
    members: Iterable[Member],
    options: Options,
    read: Callable[[Member], Collected],
    judge: Callable[[Member, Collected], Judged],
) -> Iterator[Outcome]:
    """Audit clusters, each by itself; memory holds one at a time.

    Args:
        members: the clusters.
        options: what the user asked for; of a cluster that fails it says which layers are unknown.
        read: how one is read.
        judge: how it is judged.
    """
    for member in members:
        yield _one(member, options, read, judge)
        gc.collect()  # commands run without the collector


def _one(
    member: Member,
    options: Options,
    read: Callable[[Member], Collected],
    judge: Callable[[Member, Collected], Judged],
) -> Outcome:
    try:
        collected = read(member)
        _rename(collected.manifests, member.name)
        judged = judge(member, collected)
    except KguardError as error:
        reason = Incomplete(error.where or member.name, error.message, error.hint)
    except Exception as error:  # noqa: BLE001 - a bug on one cluster is no reason to skip the rest
        text = f"this is a bug in kguard: {type(error).__name__}: {error}"
        reason = Incomplete(member.name, text, "please report it")
    else:
        return Outcome(member, judged.report, judged)
    return Outcome(member, _failed(options, reason), None)


def _rename(manifests: Iterable[Manifest], name: str) -> None:
    """Objects are known by the name of the cluster, whatever its context is called."""
    for manifest in manifests:
        if manifest.text.cluster:
            manifest.text.cluster = name


def _failed(options: Options, reason: Incomplete) -> Report:
    """The report of a cluster about which nothing is known."""
    return Report(
        findings=(),
        complete=False,
        incomplete=(reason,),
        coverage={name: LayerCoverage("unknown", 0, 0, "") for name in options.layers},
        not_evaluated=(),
        assumed={},
        scope=options.scope,
        at=options.at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        inputs=(),
        objects=0,
        policies={},
        facts={},
    )
