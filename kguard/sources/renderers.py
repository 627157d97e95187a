# SPDX-License-Identifier: Apache-2.0
"""Which version has a renderer of the user's, so that a report says what made its input?"""

from __future__ import annotations

import re
import tempfile
from functools import cache
from pathlib import Path

from kguard.sources.processes import run

UNKNOWN = "unknown"
_QUESTIONS = {
    "helm": ("version", "--template", "{{.Version}}"),
    "kubectl": ("version", "--client"),
    "kustomize": ("version",),
}
_VERSION = re.compile(r"\bv?(\d+\.\d+\.\d+[\w.+-]*)")
_BUILT_IN = re.compile(r"Kustomize Version: *v?(\d[\w.+-]*)")
_SECONDS = 10
_MAX_BYTES = 1 << 16


@cache
def version(name: str, program: str) -> str:
    """The version that a program says it has; for kubectl, with that of its kustomize.

    Args:
        name: `helm`, `kubectl` or `kustomize`.
        program: its absolute path.
    """
    with tempfile.TemporaryDirectory(prefix="kguard-") as home:
        outcome = run(
            [program, *_QUESTIONS[name]],
            folder=Path(home),
            seconds=_SECONDS,
            limit=_MAX_BYTES,
            environment={"HOME": home},
        )
    said = "" if outcome.error else outcome.output.decode(errors="replace")
    found, inner = _VERSION.search(said), _BUILT_IN.search(said)
    if not found:
        return UNKNOWN
    return f"{found[1]} (kustomize {inner[1]})" if inner else found[1]
