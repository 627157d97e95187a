# SPDX-License-Identifier: Apache-2.0
"""Do reports count in grammar, and say what their verdicts rest on?"""

from __future__ import annotations

import pytest

from kguard.model.findings import LayerCoverage
from kguard.reporters import render
from kguard.reporters.text import assumptions, evaluated
from tests.unit.reporters.reports import report


@pytest.mark.parametrize(
    ("state", "number", "total", "subject", "note", "words"),
    [
        ("evaluated", 1, 1, "workloads", "", "1 of 1 workload"),
        ("evaluated", 0, 2, "audit policies", "", "0 of 2 audit policies"),
        ("evaluated", 1, 1, "audit policies", "", "1 of 1 audit policy"),
        ("evaluated", 2, 3, "images", "one is not known", "2 of 3 images; one is not known"),
        ("unknown", 0, 12, "workloads", "why", "unknown: 0 of 12 workloads decided; why"),
        ("unknown", 0, 0, "workloads", "why", "unknown; why"),
        ("no_evidence", 0, 0, "workloads", "", "no evidence in this input"),
    ],
)
def test_how_much_was_evaluated(state, number, total, subject, note, words):
    assert evaluated(LayerCoverage(state, number, total, subject, note)) == words


def test_who_rendered_the_input_is_said():
    made = report(renderers={"helm": "3.22.0", "kubectl": "1.36.3 (kustomize 5.8.1)"})
    said = "Rendered by helm 3.22.0, kubectl 1.36.3 (kustomize 5.8.1)."
    assert assumptions(made).startswith(said)
    assert '"helm": "3.22.0"' in render("json", made)
    assert "<summary>Rendered by helm 3.22.0" in render("html", made)
