# SPDX-License-Identifier: Apache-2.0
"""Does every format carry the same counts, and stay small for a scan with very many findings?"""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ET
from collections import Counter
from importlib import import_module

import pytest

from kguard.reporters import (
    NAMES,
    Settings,
    controls_html,
    gitlab_quality,
    gitlab_sast,
    jsonl,
    junit,
    oscal,
    render,
    results,
    sarif,
)
from kguard.reporters.bounds import worst
from tests.unit.reporters import reports
from tests.unit.reporters.test_prometheus import series

MANY = 3000
LIMIT = 20
PAGE = import_module("kguard.reporters.html.page")


def _html(text):
    """The states of articles and of rows of the table of accepted findings."""
    undecided = re.findall(r"<h4[^>]*>.*?undecided", text)
    parts = re.split(r'<section class="policy', text)[1:]
    found = Counter()
    for part in parts:
        state = "unknown" if re.search(r"<h4.*undecided", part) else "open"
        found[state] += part.count("<article ")
    assert len(undecided) == sum("undecided" in part for part in parts)
    rows = re.findall(r'<tr role="row" id="finding-[^>]*>.*?</tr>', text)
    found["baseline"] = sum("known before" in row for row in rows)
    found["waived"] = len(rows) - found["baseline"]
    return found


def _junit(text):
    root = ET.fromstring(text)  # noqa: S314 - our own output
    layers = [s for s in root if s.get("name") not in ("kguard.input", "kguard.left-out")]
    skipped = [s.get("message") for suite in layers for s in suite.iter("skipped")]
    return {
        "open": sum(int(suite.get("failures")) for suite in layers),
        "unknown": sum(int(suite.get("errors")) for suite in layers),
        "waived": sum(message.startswith("waived") for message in skipped),
        "baseline": sum(message.startswith("baseline") for message in skipped),
    }


def _objects(text):
    found = [r for item in json.loads(text)["items"] for r in item["results"]]
    return Counter(r["properties"]["state"] for r in found)


def _sarif(text):
    return Counter(r["properties"]["state"] for r in json.loads(text)["runs"][0]["results"])


def _prometheus(report):
    found = Counter()
    for name, value in series(report).items():
        if name.startswith("kguard_findings{"):
            found[re.search('state="(.*?)"', name)[1]] += value
    return found


def _oscal(text):
    (result,) = json.loads(text)["assessment-results"]["results"]
    props = {p["name"]: p["value"] for p in result["props"]}
    seen = Counter(
        p["value"]
        for entry in result["observations"]
        if entry["types"] == ["finding"]
        for p in entry["props"]
        if p["name"] == "state"
    )
    assert {k: str(v) for k, v in seen.items()} == {
        name.removeprefix("findings-"): value
        for name, value in props.items()
        if name.startswith("findings-")
    }
    return seen


def _words(text):
    """The counts of the sentence that terminal, Markdown and HTML have in common."""
    found = re.search(
        r"(\d+) findings? .*?, (\d+) undecided, (\d+) in the baseline, (\d+) waived",
        " ".join(re.sub(r"[\\]|<!-- -->", "", text).split()),
    )
    return dict(
        zip(("open", "unknown", "baseline", "waived"), map(int, found.groups()), strict=True)
    )


def _sast(text):
    found = Counter(v["severity"] == "Unknown" for v in json.loads(text)["vulnerabilities"])
    return {"unknown": found[True], "not waived": sum(found.values())}


def _quality(text):
    issues = json.loads(text)
    return {
        "unknown": sum(i["description"].startswith("undecided: ") for i in issues),
        "not waived": len(issues),
    }


COUNTS = {
    "terminal": _words,
    "markdown": _words,
    "html": _html,
    "json": lambda text: Counter(f["state"] for f in json.loads(text)["findings"]),
    "jsonl": lambda text: json.loads(text.splitlines()[-1])["findings"],
    "sarif": _sarif,
    "junit": _junit,
    "openreports": _objects,
    "policyreport": _objects,
    "oscal": _oscal,
    "gitlab-sast": _sast,
    "gitlab-quality": _quality,
}


UNCOUNTED = {
    "controls-html": "it counts by clause: test_clauses.py",
    "events": "it tells of new critical findings alone: test_events.py",
}


@pytest.mark.parametrize("name", NAMES)
def test_each_format_carries_the_same_counts(name):
    report = reports.full()
    counts = Counter(finding.state for finding in report.findings)
    wanted = {**counts, "not waived": len(report.findings) - counts["waived"]}
    if name == "prometheus":
        assert _prometheus(report) == counts
    elif name not in UNCOUNTED:
        found = COUNTS[name](render(name, report, Settings(color=False, width=200)))
        assert found == {key: wanted[key] for key in found}
        assert {"open", "not waived"} & set(found)


def test_the_worst_stay_in_the_order_of_the_report():
    made = [reports.finding("network/a", f"n{n}", "high" if n % 2 else "low") for n in range(6)]
    kept, others = worst(made, 4)
    assert [f.target.name for f in kept] == ["n0", "n1", "n3", "n5"]
    assert others == 2
    assert worst(made, 6) == (made, 0)


@pytest.fixture
def limited(monkeypatch):
    """Every limit is small, so that a small report shows what a huge one does."""
    for module, name in (
        (controls_html, "MAX_NOT_READ"),
        (gitlab_quality, "MAX_ISSUES"),
        (gitlab_sast, "MAX_VULNERABILITIES"),
        (jsonl, "MAX_FINDINGS"),
        (junit, "MAX_CASES"),
        (oscal, "MAX_OBSERVATIONS"),
        (results, "MAX_FINDINGS"),
        (sarif, "MAX_RESULTS"),
        (PAGE, "MAX_ITEMS"),
        (PAGE, "MAX_LINES"),
    ):
        monkeypatch.setattr(module, name, LIMIT)


def many(number):
    found = [reports.finding("network/open", f"app-{n}", "low") for n in range(number)]
    return reports.report(*found, reports.finding("mtls/bad", "worst", "critical"))


@pytest.mark.parametrize("name", [name for name in NAMES if name != "json"])
def test_ten_times_as_many_findings_make_no_larger_report(name, limited):
    few, all_ = (render(name, many(n), Settings(color=False)) for n in (MANY // 10, MANY))
    assert len(all_) < len(few) + 200


SAID = {
    "terminal": "2993 more (-v)",
    "markdown": "2979 more",
    "html": "2980 more of this policy",
    "controls-html": "more findings are not shown here",
    "oscal": '"findings-left-out"',
    "jsonl": '"left_out":2981',
    "sarif": "2981 results of least severity are left out",
    "junit": "2981 findings of least severity are left out",
    "gitlab-quality": "2981 findings of least severity are left out",
    "gitlab-sast": "2981 findings of least severity are left out",
    "openreports": "2981 findings of least severity are left out",
    "policyreport": "2981 findings of least severity are left out",
}


@pytest.mark.parametrize("name", SAID)
def test_what_is_left_out_is_said_and_the_worst_is_there(name, limited):
    text = render(name, many(MANY), Settings(color=False))
    assert SAID[name] in text
    assert name == "controls-html" or "worst" in text


def test_every_other_format_leaves_nothing_out_or_has_its_own_test():
    assert set(NAMES) - set(SAID) == {"json", "prometheus", "events"}
