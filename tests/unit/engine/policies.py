# SPDX-License-Identifier: Apache-2.0
"""How do tests make a policy from a few lines of Rego, and have it evaluated?"""

from __future__ import annotations

from kguard.engine.base import Batch, Engine, Failure
from kguard.model.findings import Policy


def policy(name: str, text: str, *, bundled: bool = False) -> Policy:
    return Policy(
        id=f"network/{name}",
        layer="network",
        package=f"kguard.network.{name}",
        title="t",
        description="d",
        severity="high",
        subjects="workloads",
        remedy="",
        no_remedy="because",
        kind="effect",
        controls=(),
        since="0.1",
        params={},
        input="facts",
        aliases=(),
        deprecated=False,
        related_resources=(),
        file=f"{name}.rego",
        text=text,
        has_unknown=False,
        bundled=bundled,
    )


def evaluated(engine: Engine, batch: Batch) -> tuple[dict[str, bytes], list[Failure]]:
    """The sets of a batch by query path, and what failed."""
    answers: dict[str, bytes] = {}
    failures = []
    for _, answer in engine.evaluate(batch):
        if isinstance(answer, Failure):
            failures.append(answer)
        else:
            answers |= answer
    return answers, failures
