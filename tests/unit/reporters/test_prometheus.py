# SPDX-License-Identifier: Apache-2.0
"""Are the metrics well formed, bounded, and never zero where nothing was looked at?"""

from __future__ import annotations

import re

from kguard.reporters import Settings, render
from tests.unit.reporters import reports

LINE = re.compile(r'(kguard_[a-z_]+)(\{(?:[a-z]+="[^"\\\n]*",?)*\})? (-?\d+)')


def series(report):
    found = {}
    for line in render("prometheus", report).splitlines():
        if not line.startswith("#"):
            name, labels, value = LINE.fullmatch(line).groups()
            assert name + (labels or "") not in found
            found[name + (labels or "")] = int(value)
    return found


def test_every_metric_has_help_and_type_before_its_series():
    said = set()
    for line in render("prometheus", reports.full()).splitlines():
        if line.startswith("# TYPE"):
            said.add(line.split()[2])
        elif not line.startswith("#"):
            assert re.match(r"\w+", line)[0] in said


def test_findings_are_counted_by_layer_severity_and_state():
    found = series(reports.full())
    one = 'kguard_findings{layer="network",severity="critical",state="open"}'
    assert found[one] == 1
    total = sum(v for k, v in found.items() if k.startswith("kguard_findings{"))
    assert total == len(reports.full().findings)


def test_a_name_of_a_cluster_is_escaped():
    text = render("prometheus", reports.report(), Settings(cluster='a"b\\c\nd'))
    assert r'kguard_objects{cluster="a\"b\\c\nd"} ' in text


def test_what_is_zero_is_said():
    assert (
        series(reports.report())['kguard_findings{layer="network",severity="high",state="open"}']
        == 0
    )


def test_a_layer_that_did_not_run_has_no_series():
    report = reports.report(coverage={})
    assert not any("layer=" in name for name in series(report))


def test_completeness_and_time():
    found = series(reports.full())
    assert found["kguard_scan_complete"] == 0
    assert found["kguard_scan_timestamp_seconds"] == 1795435200
    assert found['kguard_layer_state{layer="audit",state="no_evidence"}'] == 1
    assert found['kguard_layer_subjects_evaluated{layer="mtls"}'] == 11


def test_the_documentation_names_every_metric_and_no_other(checkout):
    text = (checkout / "docs" / "reports.md").read_text()
    documented = set(re.findall(r"kguard_[a-z_]+", text))
    assert documented == {name.partition("{")[0] for name in series(reports.full())}
