# SPDX-License-Identifier: Apache-2.0
"""The answers of netpol-analyzer for the table of all suites."""

from __future__ import annotations

from pathlib import Path

from tests.conformance.netpol_analyzer import answers

SUITES = {
    f"netpol-analyzer {name}": lambda folder, suite=suite: suite(Path(folder).parent)
    for name, suite in answers.SUITES.items()
}
SKIPS = {f"netpol-analyzer {name}": answers.skips(name) for name in answers.SUITES}
