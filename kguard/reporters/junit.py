# SPDX-License-Identifier: Apache-2.0
"""What does a report look like to a CI system that reads JUnit XML?

One suite a layer, one case for each policy and object with a finding, one for each policy without.
A policy of a layer that was not evaluated is skipped, never passed, and so is one that failed. What
could not be read is an error of the suite `input`.
"""

from __future__ import annotations

import xml.etree.ElementTree as ET

from kguard.model.findings import FAMILIES, Finding, Report
from kguard.model.safe_text import clean
from kguard.reporters.bounds import left_out, worst
from kguard.reporters.settings import Settings
from kguard.reporters.text import evaluated, place

MAX_CASES = 25_000
"""Findings that have a case of their own."""
MAX_INPUTS = 1000
"""Inputs that could not be read and have a case of their own."""


def render(report: Report, settings: Settings) -> str:  # noqa: ARG001 - the protocol
    """The report as JUnit XML."""
    root = ET.Element("testsuites", name="kguard")
    kept, others = worst(report.findings, MAX_CASES)
    for layer in FAMILIES:
        suite = _suite(layer, report, [finding for finding in kept if finding.layer == layer])
        if len(suite):
            root.append(suite)
    if report.incomplete:
        root.append(_input(report))
    if others:
        root.append(_others(others))
    for suite in root:
        _count(suite)
        suite.set("timestamp", report.at.removesuffix("Z"))
    _total(root)
    ET.indent(root)
    return ET.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def _suite(layer: str, report: Report, shown: list[Finding]) -> ET.Element:
    suite = ET.Element("testsuite", name=f"kguard.{layer}")
    for finding in shown:
        _case(suite, finding)
    silent = {p.id for p in report.policies.values() if p.layer == layer}
    heard = {finding.policy for finding in report.findings if finding.layer == layer}
    failed = {entry.source.rpartition("policy ")[2] for entry in report.incomplete}
    for policy in sorted(silent - heard):
        case = ET.SubElement(suite, "testcase", classname=f"kguard.{layer}", name=policy)
        coverage = report.coverage.get(layer)
        if policy in failed:
            ET.SubElement(case, "skipped", message="the policy could not be run")
        elif coverage and coverage.state != "evaluated":
            ET.SubElement(case, "skipped", message=clean(evaluated(coverage)))
    return suite


def _case(suite: ET.Element, finding: Finding) -> None:
    path = f" {finding.path}" if finding.path else ""
    name = clean(f"{finding.policy}: {finding.target}{path}")
    case = ET.SubElement(suite, "testcase", classname=f"kguard.{finding.layer}", name=name)
    if finding.locations and finding.locations[0].file:
        case.set("file", clean(finding.locations[0].file))
        case.set("line", str(finding.locations[0].line))
    message = clean(finding.message)
    if finding.state == "open":
        ET.SubElement(case, "failure", type=finding.severity, message=message).text = _why(finding)
    elif finding.state == "unknown":
        ET.SubElement(case, "error", type="unknown", message=message).text = _why(finding)
    else:
        ET.SubElement(
            case, "skipped", message=clean(f"{finding.state}: {message}{_waiver(finding)}")
        )


def _why(finding: Finding) -> str:
    lines = [finding.message]
    for quote in finding.evidence:
        parts = (place(quote), quote.text.strip(), quote.note)
        lines.append("  " + "  ".join(part for part in parts if part))
    return "\n".join(clean(line) for line in lines)


def _waiver(finding: Finding) -> str:
    if not finding.waiver:
        return ""
    fields = (finding.waiver.get(name, "?") for name in ("by", "until", "reason"))
    return " (by {}, until {}: {})".format(*fields)


def _others(number: int) -> ET.Element:
    """What is not shown is no pass."""
    suite = ET.Element("testsuite", name="kguard.left-out")
    case = ET.SubElement(suite, "testcase", classname="kguard.left-out", name="findings")
    ET.SubElement(case, "error", type="left-out", message=left_out(number))
    return suite


def _input(report: Report) -> ET.Element:
    suite = ET.Element("testsuite", name="kguard.input")
    for entry in report.incomplete[:MAX_INPUTS]:
        name = clean(entry.source)
        case = ET.SubElement(suite, "testcase", classname="kguard.input", name=name)
        error = ET.SubElement(case, "error", type="incomplete", message=clean(entry.reason))
        error.text = clean(entry.hint)
    return suite


_COUNTED = (("failures", "failure"), ("errors", "error"), ("skipped", "skipped"))


def _count(suite: ET.Element) -> None:
    suite.set("tests", str(len(suite)))
    for attribute, tag in _COUNTED:
        suite.set(attribute, str(len(suite.findall(f"testcase/{tag}"))))


def _total(root: ET.Element) -> None:
    for attribute in ("tests", "failures", "errors", "skipped"):
        root.set(attribute, str(sum(int(suite.get(attribute, "0")) for suite in root)))
