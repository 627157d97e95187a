# SPDX-License-Identifier: Apache-2.0
"""How large and how slow do reports get for a scan with very many findings?

``python -m support.bench.reports FINDINGS`` prints a line for each format: seconds, megabytes of
the report, and megabytes of memory that it takes beside the findings themselves. The exit code is
1 if a format other than JSON, which holds everything, is larger than `MAX_MEGABYTES`.
"""

from __future__ import annotations

import os
import resource
import sys
import time
from collections.abc import Sequence

from kguard.engine import catalog
from kguard.model.findings import (
    FAMILIES,
    SEVERITIES,
    Finding,
    LayerCoverage,
    Quote,
    Report,
    fingerprint,
)
from kguard.model.locations import Location
from kguard.model.manifests import ObjectRef
from kguard.reporters import NAMES, Settings, render

MAX_MEGABYTES = 100
NAMESPACES = 500
_WHOLE = ("json",)
_PLACE = Location(
    role="decides", file="deploy/all.yaml", line=9, column=3, end_line=9, end_column=9
)
_QUOTE = Quote(role="decides", file="deploy/all.yaml", line=9, text="- {}", note="admits everyone")


def main(arguments: Sequence[str]) -> int:
    """Print a line for each format."""
    report = _report(int(arguments[0]))
    print(f"{len(report.findings):,} findings: {_peak():.0f} MB")
    print(f"{'format':16} {'s':>7} {'MB':>8} {'MB more':>8}")
    large = []
    for name in NAMES:
        seconds, size, memory = _measured(name, report)
        print(f"{name:16} {seconds:7.1f} {size:8.1f} {memory:8.0f}", flush=True)
        if name not in _WHOLE and size > MAX_MEGABYTES:
            large.append(name)
    if large:
        print(f"larger than {MAX_MEGABYTES} MB: {', '.join(large)}")
    return 1 if large else 0


def _report(number: int) -> Report:
    policies = {policy.id: policy for policy in catalog.bundled()}
    names = [*policies]
    return Report(
        findings=tuple(_finding(policies[names[n % len(names)]].id, n) for n in range(number)),
        complete=True,
        incomplete=(),
        coverage={name: LayerCoverage("evaluated", number, number, "x") for name in FAMILIES},
        not_evaluated=(),
        assumed={},
        scope="cluster",
        at="2026-11-23T12:00:00Z",
        inputs=("deploy",),
        objects=number,
        policies=policies,
        facts={},
    )


def _finding(policy: str, number: int) -> Finding:
    target = ObjectRef("apps/v1", "Deployment", f"team-{number % NAMESPACES}", f"app-{number}")
    return Finding(
        fingerprint=fingerprint(policy, target, ""),
        policy=policy,
        layer=policy.partition("/")[0],
        severity=SEVERITIES[number % len(SEVERITIES)],
        state="open",
        target=target,
        path="",
        message=f"any pod in the cluster can open {target.name}:8080",
        locations=(_PLACE,),
        evidence=(_QUOTE,),
        remedy="",
        controls=("CIS-5.3.2",),
    )


def _measured(name: str, report: Report) -> tuple[float, float, float]:
    """Seconds, megabytes of text and megabytes of memory, in a process of its own."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        before, started = _peak(), time.perf_counter()
        size = len(render(name, report, Settings(color=False)).encode()) / 1e6
        found = (time.perf_counter() - started, size, _peak() - before)
        os.write(writing, " ".join(map(str, found)).encode())
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as answer:
        text = answer.read()
    os.waitpid(child, 0)
    seconds, size, memory = map(float, text.split())
    return seconds, size, memory


def _peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
