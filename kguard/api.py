# SPDX-License-Identifier: Apache-2.0
"""How is kguard used from Python?

from kguard.api import scan

report = scan(["deploy/"])
for finding in report.findings:
print(finding.severity, finding.policy, finding.message)
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from kguard import layers, sources
from kguard import scan as pipeline
from kguard.config import Config, read
from kguard.engine.embedded import EmbeddedEngine
from kguard.errors import KguardError
from kguard.model.findings import Finding, Report

__all__ = ["Finding", "KguardError", "Report", "scan"]


def scan(
    inputs: Sequence[str],
    *,
    config: str | None = None,
    scope: Literal["app", "cluster"] | None = None,
    at: datetime | None = None,
) -> Report:
    """Judge manifests in all five layers with the shipped policies.

    Args:
        inputs: files, folders or globs.
        config: path of a kguard.yaml; None for no settings.
        scope: `cluster` if the inputs are a whole cluster; None: as the settings say, else `app`.
        at: the time of the scan, aware; None for now.

    Raises:
        KguardError: an input cannot be read at all, or the settings are wrong.
    """
    settings = read(Path(config)) if config else Config()
    options = pipeline.Options(
        config=settings,
        scope=scope or settings.scope or "app",
        at=at or datetime.now(UTC),
        namespace=settings.namespace,
        inputs=tuple(inputs),
    )
    wanted = tuple(pattern for name in layers.NAMES for pattern in layers.load(name).files)
    reading = sources.Options(patterns=wanted, namespace=settings.namespace)
    engine = EmbeddedEngine()
    try:
        return pipeline.scan(sources.collect(inputs, reading), options, engine).report
    finally:
        engine.close()
