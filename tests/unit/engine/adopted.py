# SPDX-License-Identifier: Apache-2.0
"""How do tests judge manifests by policies of conftest and Gatekeeper?"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from kguard import sources
from kguard.engine.base import Engine
from kguard.model.findings import Report
from kguard.scan import Options, scan

DATA = Path(__file__).parents[2] / "data" / "adopted"
FOLDERS = tuple(str(DATA / name) for name in ("conftest", "conftest_v1", "gatekeeper"))


def judged(engine: Engine, folders: tuple[str, ...] = FOLDERS, source: Path | None = None):
    options = Options(
        at=datetime(2026, 1, 1, tzinfo=UTC), layers=("manifests",), policy_dirs=folders
    )
    collected = sources.collect([str(source or DATA / "input")])
    return scan(collected, options, engine).report


def rows(report: Report) -> list[tuple[str, ...]]:
    return [(f.policy, f.severity, f.state, str(f.target), f.message) for f in report.findings]


EXPECTED = [
    ("main-deny", "high", "Deployment shop/web", "Deployment web may run as root"),
    ("main-deny-latest", "high", "Deployment shop/web", "container web of web takes whatever is"),
    ("main-violation", "high", "Deployment default/cart", "cart lacks labels: owner"),
    ("main-violation", "high", "Deployment kube-system/proxy", "proxy lacks labels: owner"),
    ("network-services-deny", "high", "Service shop/web", "Service web is offered to"),
    ("noprivileged-violation", "high", "Pod shop/debug", "container prepare is privileged"),
    ("teamlabels-owner", "high", "Deployment default/cart", 'Deployment default/cart lacks ["own'),
    ("main-warn", "medium", "Deployment shop/web", "one replica only {"),
    ("network-services-warn-ports", "medium", "Service shop/web", "port 80 has no name"),
    ("teamlabels-cost-center", "medium", "Service default/cart", "whether TeamLabels cost-center"),
    ("teamlabels-cost-center", "medium", "Service shop/web", 'Service shop/web lacks ["cost-c'),
    ("onehost-everywhere", "low", "Ingress default/copy", "host shop.example.com is taken by sh"),
    ("onehost-everywhere", "low", "Ingress shop/web", "host shop.example.com is taken by defa"),
]
"""What the policies of `FOLDERS` say: policy, severity, target, how the message begins."""
