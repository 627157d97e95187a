# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import re

import pytest
from rich.cells import cell_len

from kguard.reporters import Settings, render
from tests.unit.reporters import reports


def shown(report, **settings):
    return render("terminal", report, Settings(**{"color": False, "width": 100, **settings}))


def test_effect_comes_before_evidence_and_way_out():
    lines = shown(reports.full()).splitlines()
    assert lines[0] == "NETWORK   critical  network/open-to-cluster"
    assert lines[1] == "  any pod in the cluster can open redis:6379"
    assert lines[2] == "    deploy/redis.yaml:14   │ name: redis    is selected by one policy only"
    assert lines[4].strip() == "no policy of the admin tier was found in the input"
    assert lines[5] == "  fix    kguard fix deploy/ --policy network/open-to-cluster"


def test_related_findings_are_one_text_and_all_named_on_demand():
    text = shown(reports.full())
    assert text.count("network/default-deny") == 2  # head and fix
    assert "+ 8 more like this" in text
    assert "also   Deployment shop/app-1, app-2, app-3, app-4, app-5, app-6 and 2 more (-v)" in text
    detailed = shown(reports.full(), verbose=True)
    assert all(f"can open app-{n}:6379" in detailed for n in range(9))


def test_five_layers_are_always_in_the_summary():
    text = shown(reports.report())
    for layer in ("network", "mtls", "images", "audit", "runtime"):
        assert re.search(rf"^{layer} +- +\S", text, re.MULTILINE)
    assert "No findings." in text
    assert "audit    -         no evidence in this input" in text


def test_layer_that_was_not_asked_for_is_not_green():
    text = shown(reports.report(coverage={}))
    assert text.count("not asked for") == 5


def test_what_was_not_read_or_evaluated_is_named():
    text = shown(reports.full())
    assert "not read       deploy/broken.yaml:31:7: found a tab\n" in text
    assert "hint: replace it by spaces" in text
    assert "not evaluated  charts/web: a Helm chart: helm was not found on PATH" in text
    assert "The scan is incomplete." in text


def test_unknown_findings_say_so_and_promise_no_fix():
    text = shown(reports.report(reports.finding("network/x", "a", state="unknown")))
    assert "high (unknown)" in text
    assert "kguard fix" not in text
    assert "No findings, 1 undecided." in text


def test_refused_remedy_says_why():
    policy = reports.policy("network/x", remedy="", no_remedy="only its owner knows")
    found = reports.finding("network/x", "a", remedy="")
    text = shown(reports.report(found, policies={"network/x": policy}))
    assert "  no fix only its owner knows" in text


def test_last_line_counts_assumes_and_ends_with_the_exit_code():
    text = " ".join(shown(reports.full(), exit_code=1).split())
    assert "12 findings (1 critical, 10 high, 1 info), 1 undecided, 1 in the baseline" in text
    assert "1 waived until 2027-01-31." in text
    assert "Detected: Istio 1.31. Assumed: Kubernetes 1.36." in text
    assert text.endswith("exit 1")


@pytest.mark.parametrize("width", [40, 60, 100, 200])
@pytest.mark.parametrize("make", [reports.full, reports.hostile])
def test_no_line_is_wider_than_the_terminal(width, make):
    for line in shown(make(), width=width).splitlines():
        assert cell_len(line) <= width or " " not in line.strip()
        assert line == line.rstrip()


def test_control_and_bidi_characters_never_reach_the_terminal():
    text = shown(reports.hostile(), verbose=True)
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", text)
    assert not any(line.startswith("::") for line in text.splitlines())


def test_colour_adds_nothing_but_colour():
    colored = shown(reports.full(), color=True)
    assert "\x1b[1;31m" in colored
    assert re.sub(r"\x1b\[[0-9;]*m", "", colored) == shown(reports.full())


def test_same_report_same_bytes():
    assert shown(reports.full()) == shown(reports.full())
