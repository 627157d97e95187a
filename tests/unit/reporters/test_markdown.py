# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import re

import pytest

from kguard.model.safe_text import inert
from kguard.reporters import Settings, markdown, render
from tests.unit.reporters import reports


def test_layers_findings_and_the_way_to_reproduce():
    text = render("markdown", reports.full(), Settings(exit_code=1))
    assert text.startswith("### kguard: 12 findings \\(1 critical, 10 high, 1 info\\)")
    assert "| network | 1 critical, 9 high, 1 unknown | 14 of 14 workloads |" in text
    assert "| audit | \\- | no evidence in this input |" in text
    assert "any pod in the cluster can open redis:6379" in text
    assert "<code>deploy/netpol.yaml:10</code>" in text
    assert "also: Deployment shop/app\\-1, app\\-2" in text
    assert text.rstrip().endswith("<code>kguard scan deploy/</code> (exit 1)")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a|b", "a\\|b"),
        ("`x`", "\\`x\\`"),
        ("<b>&", "&lt;b&gt;&amp;"),
        ("@team", "@<!-- -->team"),
        ("[x](y)", "\\[x\\]\\(y\\)"),
        ("https://x", "https:<!-- -->//x"),
        ("# h\n- l", "\\#<!-- --> h \\- l"),
        ("a\x1bb", "a\ufffdb"),
    ],
)
def test_text_of_the_input_is_inert(text, expected):
    assert inert(text) == expected


def test_hostile_text_opens_nothing():
    text = render("markdown", reports.hostile())
    assert "<script" not in text
    assert not re.search("[\x00-\x09\x0b-\x1f\u202e]", text)
    assert not any(line.startswith("::") for line in text.splitlines())


def test_size_stays_below_the_limit(monkeypatch):
    monkeypatch.setattr(markdown, "MAX_BYTES", 3000)
    many = [reports.finding(f"network/p{n}", "a") for n in range(50)]
    text = render("markdown", reports.report(*many))
    assert len(text.encode()) < 3200
    assert re.search(r"\d+ more findings do not fit here", text)


def test_details_are_balanced():
    text = render("markdown", reports.full(), Settings(verbose=True))
    assert text.count("<details>") == text.count("</details>") == 5
    assert all(f"app-{n}.yaml".replace("-", "\\-") in text for n in range(9))
