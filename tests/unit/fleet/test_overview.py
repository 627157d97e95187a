# SPDX-License-Identifier: Apache-2.0
"""Does one report about several clusters say of none what holds of another?"""

from __future__ import annotations

from msgspec.structs import replace

from kguard.fleet import merged, row
from kguard.model.findings import Assumed, LayerCoverage
from kguard.reporters import Settings, render
from tests.unit.reporters import reports

NOT_ASKED = "neither --evidence nor --registry was given"


def together(**sides):
    """Reports that differ in these fields."""
    made = [replace(reports.full(), findings=(), **fields) for fields in sides.values()]
    lines = [row(name, report) for name, report in zip(sides, made, strict=True)]
    return merged(lines, made)


def images(note):
    return {"images": LayerCoverage("evaluated", 0, 12, "images", note)}


def test_what_is_assumed_of_one_cluster_is_detected_of_none():
    a = {"assumed": {"istio": Assumed("1.30", "detected")}}
    b = {"assumed": {"istio": Assumed("devel", "assumed")}}
    found = together(a=a, b=b).assumed["istio"]
    assert (found.value, found.how) == ("1.30 or devel", "assumed")


def test_a_note_of_all_clusters_is_one_of_the_whole():
    alike = together(a={"coverage": images(NOT_ASKED)}, b={"coverage": images(NOT_ASKED)})
    assert alike.coverage["images"].note == NOT_ASKED
    other = together(a={"coverage": images(NOT_ASKED)}, b={"coverage": images("")})
    assert other.coverage["images"].note == ""


def test_the_table_says_why_nothing_was_judged():
    page = render("html", together(a={"coverage": images(NOT_ASKED)}), Settings())
    assert f"0 of 12 images; {NOT_ASKED}" in page
