# SPDX-License-Identifier: Apache-2.0
"""What the table of agreement holds beside the answers of other systems, for the network layer.

Twenty ways to be selected or not, incidents by name (the fault is found, and our remedy passes the
same check), and a plain evaluation of random clusters, one connection at a time.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

from kguard.engine.embedded import EmbeddedEngine
from tests.properties.network.test_every_kind import FLAVOURS, compared
from tests.unit.layers.network import test_micro_suite as micro
from tests.unit.layers.network import test_regressions as incidents

Point = tuple[str, Any, Any]

CLUSTERS = 200


def selected(_: Path) -> Iterator[Point]:
    """Twenty workloads: whether a policy selects them."""
    for number, entry in sorted(micro.workloads().items()):
        yield str(number), number in micro.COVERED, micro.selected(entry)


def regressions(_: Path) -> Iterator[Point]:
    """Faults of generated policies elsewhere: found, and not made by our remedies."""
    engine = EmbeddedEngine()
    try:
        for name, policy in incidents.INCIDENTS.items():
            yield f"{name} found", True, incidents.is_found(name, engine)
            after = incidents.open_findings(incidents.remedied(name, engine).after)
            yield f"{name} remedied", False, f"network/{policy}" in after
    finally:
        engine.close()


def plainly(_: Path, flavour: str) -> Iterator[Point]:
    """Every kind of policy together, against the plain evaluation."""
    for seed in range(CLUSTERS):
        for number, (_, plain, ours) in enumerate(compared(seed, flavour)):
            yield f"{seed}.{number}", plain, ours


SUITES = {
    "network micro-suite": selected,
    "network incidents": regressions,
    **{
        f"network plain evaluation, {flavour}": partial(plainly, flavour=flavour)
        for flavour in FLAVOURS
    },
}
