# SPDX-License-Identifier: Apache-2.0
"""Is every running image signed by someone trusted, and would admission refuse it otherwise?"""

from __future__ import annotations

from typing import Any

from kguard.model.facts.images import Facts
from kguard.model.findings import LayerCoverage
from kguard.model.layer import Comparison, Layer, Request

_UNDECIDED = ("not_evaluated", "unresolvable", "unverifiable_offline", "unsupported_format")


def _facts(inventory: Any, request: Request) -> Facts:
    from kguard.layers.images.facts import compute

    return compute(inventory, request)


def _compare(before: Any, after: Any) -> Comparison:
    from kguard.layers.images.compare import compare

    return compare(before, after)


def coverage(facts: Facts) -> LayerCoverage:
    """How many images are known to be signed or not; how they are named is always judged."""
    total = len(facts.uses)
    if not total and not facts.mirrors and not facts.policies:
        state = "unknown" if facts.presence == "unknown" else "no_evidence"
        return LayerCoverage(state, 0, 0, "images")  # type: ignore[arg-type]
    undecided = [
        use
        for use in facts.uses
        if use.signature in _UNDECIDED or use.signature.startswith("unknown_")
    ]
    note = ""
    if facts.evidence.state == "none" and total:
        note = "signatures not evaluated: neither --evidence nor --registry was given"
    elif undecided:
        images = "1 image" if len(undecided) == 1 else f"{len(undecided)} images"
        note = f"the signatures of {images} are not known"
    return LayerCoverage("evaluated", total - len(undecided), total, "images", note)


LAYER: Layer[Any] = Layer(
    name="images",
    facts_type=Facts,
    facts=_facts,
    coverage=coverage,
    compare=_compare,
    files=("*.toml",),
)
