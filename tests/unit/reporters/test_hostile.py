# SPDX-License-Identifier: Apache-2.0
"""Does every report stay what it is, whatever the objects are called?"""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET

import pytest

from kguard.model.findings import Incomplete
from kguard.model.manifests import NotEvaluated
from kguard.reporters import NAMES, Settings, render
from tests.unit.reporters import reports

HUGE = "n" * 5_000_000
NAMED = (
    "::error file=a.yaml,line=1::all is well",
    "a b ::stop-commands::token",
    "##[add-path]/tmp/x",
    "##vso[task.setvariable variable=x]y",
    "</code></details><script>alert(1)</script>",
    "|x|`y`|\\|[z](http://evil.example)",
    "\x1b[2J\x9b31m\u202etxt.exe\u200b\ufffe",
    "]]><failure/>",
    "x\n### kguard: no findings",
)
TEXTS = tuple(name for name in NAMES if name != "json")


def _report(text):
    return reports.report(
        reports.finding("network/open-to-cluster", text, message=text, path=text),
        incomplete=(Incomplete(text, text, text),),
        not_evaluated=(NotEvaluated(text, text),),
        inputs=(text,),
        complete=False,
    )


@pytest.mark.parametrize("width", [40, 61, 100])
@pytest.mark.parametrize("text", NAMED)
@pytest.mark.parametrize("name", TEXTS)
def test_no_line_is_an_order_or_a_control_character(name, text, width):
    shown = render(name, _report(text), Settings(width=width, verbose=True))
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b\u202e\ufffe]", shown)
    assert not [line for line in shown.splitlines() if re.match(r"\s*::[\w-]+.*::", line)]
    assert "##[" not in shown
    assert "##vso[" not in shown


@pytest.mark.parametrize("text", NAMED)
def test_markup_does_not_change_the_shape(text):
    settings = Settings(verbose=True)
    plain, marked = _report("x"), _report(text)
    lines = [render("markdown", made, settings).splitlines() for made in (plain, marked)]
    assert [line[:3] for line in lines[0]] == [line[:3] for line in lines[1]]
    root = ET.fromstring(render("junit", marked))  # noqa: S314 - our own output
    assert [e.tag for e in root.iter()] == [
        e.tag
        for e in ET.fromstring(render("junit", plain)).iter()  # noqa: S314 - our own output
    ]
    assert "<script" not in render("html", marked)


@pytest.mark.parametrize(("name", "largest"), [("markdown", 60_000), ("sarif", 25_000_000)])
def test_a_huge_name_makes_no_huge_report(name, largest):
    assert len(render(name, _report(HUGE))) < largest
