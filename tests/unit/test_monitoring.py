# SPDX-License-Identifier: Apache-2.0
"""Do dashboard and alert rules name only series and labels that kguard emits?"""

from __future__ import annotations

import json
import re
from collections import Counter, defaultdict
from pathlib import Path

import pytest
import yaml

from kguard.reporters import Settings, render
from kguard.serve.metrics import Metrics
from tests.unit.reporters import reports

FOLDER = Path(__file__).resolve().parents[2] / "deploy" / "monitoring"
RULES = yaml.safe_load((FOLDER / "alerts.yaml").read_text())
DASHBOARD = json.loads((FOLDER / "grafana-dashboard.json").read_text())
SCRAPED = {"instance", "job"}
"""Labels that Prometheus or a Pushgateway adds."""
SERIES = re.compile(r"^(kguard_\w+)(?:\{(.*)\})? ", re.MULTILINE)
LABEL = re.compile(r'(\w+)="([^"]*)"')
SELECTOR = re.compile(r"\b(kguard_\w+)(?:\{([^}]*)\})?")
MATCHER = re.compile(r'(\w+)\s*(=~|!~|!=|=)\s*"([^"]*)"')
GROUPING = re.compile(r"\b(?:by|without)\s*\(([^)]*)\)")
TEMPLATED = re.compile(r"\$labels\.(\w+)|\{\{(\w+)\}\}")


def _emitted():
    """The labels of each metric with their values."""
    served = Metrics()
    for answer in ("admitted", "warned", "denied", "undecided"):
        served.answered(answer, "slice", 0.01)
    served.reloaded("tls", "taken")
    text = render("prometheus", reports.full(), Settings(cluster="prod")) + served.page(
        {"inventory_objects": ("x", 1.0)}, "d", Counter({"busy": 1})
    )
    found = defaultdict(lambda: defaultdict(set))
    for name, labels in SERIES.findall(text):
        found[name] = found[name]
        for label, value in LABEL.findall(labels):
            found[name][label].add(value)
    return found


EMITTED = _emitted()


def problems(expression, shown=""):
    """What is wrong with an expression, and with the labels of the text that shows it."""
    found, known = [], set(SCRAPED)
    for name, matchers in SELECTOR.findall(expression):
        if name not in EMITTED:
            found.append(f"no metric {name}")
            continue
        labels = EMITTED[name]
        known |= set(labels)
        for label, how, value in MATCHER.findall(matchers):
            if label in SCRAPED:
                continue
            if label not in labels:
                found.append(f"{name} has no label {label}")
            elif value == f"${label}":
                continue  # what the variable of the dashboard found
            elif how in ("=", "!=") and value not in labels[label]:
                found.append(f"{label} is never {value}")
            elif how in ("=~", "!~") and not set(value.split("|")) <= labels[label]:
                found.append(f"{label} is never all of {value}")
    grouped = {g.strip() for group in GROUPING.findall(expression) for g in group.split(",")}
    told = {one or other for one, other in TEMPLATED.findall(shown)}
    found += [f"no label {label}" for label in sorted((grouped | told) - known)]
    if grouped and told - grouped:
        found.append(f"{sorted(told - grouped)} is aggregated away")
    for left, right in ("()", "{}", "[]"):
        if expression.count(left) != expression.count(right):
            found.append(f"unbalanced {left}{right}")
    return found


ALERTS = [rule for group in RULES["groups"] for rule in group["rules"]]
TARGETS = [(p["title"], t) for p in DASHBOARD["panels"] for t in p["targets"]]


@pytest.mark.parametrize("rule", ALERTS, ids=lambda rule: rule["alert"])
def test_every_alert_is_about_what_is_emitted(rule):
    shown = " ".join(rule["annotations"].values())
    assert SELECTOR.search(rule["expr"])
    assert problems(rule["expr"], shown) == []
    assert rule["labels"]["severity"] in ("critical", "warning", "info")
    assert rule["annotations"]["summary"]


@pytest.mark.parametrize(("title", "target"), TARGETS, ids=lambda x: x if type(x) is str else "")
def test_every_panel_shows_what_is_emitted(title, target):
    assert SELECTOR.search(target["expr"])
    assert problems(target["expr"], target["legendFormat"]) == []


def test_the_variables_ask_for_what_is_emitted():
    queries = [v["query"]["query"] for v in DASHBOARD["templating"]["list"] if v["type"] == "query"]
    assert [re.search(r"\((\w+).*, (\w+)\)", query).groups() for query in queries] == [
        ("kguard_scan_timestamp_seconds", "instance"),
        ("kguard_scan_timestamp_seconds", "cluster"),
    ]


def test_panels_do_not_overlap_and_have_ids_of_their_own():
    cells = Counter()
    for panel in DASHBOARD["panels"]:
        place = panel["gridPos"]
        assert place["x"] + place["w"] <= 24
        cells.update(
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        )
    assert max(cells.values()) == 1
    ids = [panel["id"] for panel in DASHBOARD["panels"]]
    assert len(set(ids)) == len(ids)


def test_every_metric_of_a_scan_is_shown_or_alerted_on():
    text = json.dumps(DASHBOARD) + json.dumps(RULES)
    silent = {name for name in EMITTED if name not in text}
    assert {name for name in silent if not name.startswith("kguard_webhook_")} == {
        "kguard_build_info"
    }


@pytest.mark.parametrize(
    ("expression", "problem"),
    [
        ("sum(kguard_finding) > 0", "no metric kguard_finding"),
        ('kguard_findings{level="high"}', "kguard_findings has no label level"),
        ('kguard_findings{state="opened"}', "state is never opened"),
        ('kguard_findings{state=~"open|new"}', "state is never all of open|new"),
        ("sum by (space) (kguard_findings)", "no label space"),
        ("sum(kguard_findings", "unbalanced ()"),
    ],
)
def test_the_check_sees_what_is_wrong(expression, problem):
    assert problems(expression) == [problem]


def test_the_check_sees_labels_that_are_aggregated_away():
    shown = "{{ $labels.layer }}"
    assert problems("sum by (instance) (kguard_findings) > 0", shown) == [
        "['layer'] is aggregated away"
    ]
