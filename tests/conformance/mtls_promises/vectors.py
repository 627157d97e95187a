# SPDX-License-Identifier: Apache-2.0
"""Does the mtls layer find labelled faults, and do its remedies keep their promises?

The faults stand beside what a check of single objects says of them; the remedies are tried on
random clusters that are not compliant (`make conformance-full` tries 500, and asks istiod's own
simulation of listeners about them).
"""

from __future__ import annotations

import atexit
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from kguard.engine.embedded import EmbeddedEngine
from tests.properties.mesh_remedies import Mended, mended
from tests.unit.layers.mtls.misconfigurations import (
    FOUND,
    MISCONFIGURATIONS,
    kguard_says,
    pattern_says,
)

Point = tuple[str, Any, Any]
FAULTS, REMEDIES = "mtls labelled misconfigurations", "mtls remedies over random clusters"
CLUSTERS = range(60)
PROMISED = {"cut": 0, "opened": 0, "weakened": 0, "second run empty": True, "unanswered": 0}


def faults(_: Path) -> Iterator[Point]:
    """Each labelled fault: our findings and the verdict of the pattern."""
    for name, texts in MISCONFIGURATIONS.items():
        yield name, FOUND[name], (kguard_says(texts, _engine()), pattern_says(texts))


def fault_table(_: Path) -> Iterator[str]:
    """Who finds what."""
    for name, (policies, pattern) in FOUND.items():
        yield f"{name:56} pattern: {pattern:18} kguard: {', '.join(policies) or 'nothing'}"


def remedies(_: Path) -> Iterator[Point]:
    """What is promised of the remedies of each cluster, and what came of it."""
    for number in CLUSTERS:
        made = _mended(number)
        worked, works = made.edges()
        ours = {
            "cut": len(made.proof.cuts) + len(worked - works),
            "opened": len(made.proof.opens) + len(made.proof.new_findings),
            "weakened": len(made.proof.weakens),
            "second run empty": made.proof.second_run_empty,
            "unanswered": len(made.unanswered()),
        }
        yield f"cluster {number}", PROMISED, ours


def remedy_table(_: Path) -> Iterator[str]:
    """How much there was to do."""
    told: Counter[str] = Counter()
    for number in CLUSTERS:
        made = _mended(number)
        told["closed"] += len(made.proof.closes)
        told["refused"] += sum(len(entry.findings) for entry in made.proof.refused)
        told["edges"] += len(made.edges()[0])
    yield f"{told['closed']} findings closed, {told['refused']} refused with the reason"
    yield f"{told['edges']} intended edges worked before, each works after"


@cache
def _mended(number: int) -> Mended:
    return mended(number, _engine())


@cache
def _engine() -> EmbeddedEngine:
    loaded = EmbeddedEngine()
    atexit.register(loaded.close)
    return loaded


SUITES = {FAULTS: faults, REMEDIES: remedies}
TABLES = {FAULTS: fault_table, REMEDIES: remedy_table}
