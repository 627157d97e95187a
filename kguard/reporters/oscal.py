# SPDX-License-Identifier: Apache-2.0
"""What does a report look like as OSCAL assessment results?

One result holds every clause of the chosen frameworks: those that policies answer as findings,
those that they do not look at as excluded controls. Each finding of kguard is an observation with
its evidence, and the coverage of each layer is one, so that a pass rests on something. A clause
is satisfied only where policies decide it and everything was evaluated; where they can only
refute it, it is not satisfied for another reason, with the words for it, as are clauses that are
unknown, not evaluated or without evidence. All identifiers are computed from the content.

Authority: usnistgov/OSCAL 1.1.3, oscal_assessment-results_metaschema.xml and
oscal_assessment-common_metaschema.xml.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Container, Iterable, Iterator, Sequence
from typing import Any
from urllib.parse import quote

import msgspec

from kguard import __version__
from kguard.model.controls import Clause, Framework
from kguard.model.findings import Finding, LayerCoverage, Report
from kguard.model.safe_text import clean, shortened
from kguard.reporters.anchors import anchored, identifier, path_of
from kguard.reporters.bounds import worst
from kguard.reporters.clauses import Judgement, judged
from kguard.reporters.settings import Settings
from kguard.reporters.text import evaluated

VERSION = "1.1.3"
NAMESPACE = "https://kguard.dev/ns/oscal"
MAX_OBSERVATIONS = 5000
"""Findings that become observations, the worst first; the others are counted."""
MAX_RELATED = 500
"""Observations that one clause names."""
MAX_EVIDENCE = 20
MAX_TEXT = 1024

_STATUS = {"passed": ("satisfied", "pass"), "failed": ("not-satisfied", "fail")}
_OTHERWISE = ("not-satisfied", "other")


def render(report: Report, settings: Settings) -> str:
    """The report as an OSCAL document of the model assessment-results."""
    found = judged(report, settings.frameworks)
    run = _fingerprint(report, [framework.key for framework, _ in found])
    plan = identifier("plan", run)
    document = {
        "uuid": identifier("assessment-results", run),
        "metadata": {
            "title": "Protection layers of a Kubernetes cluster",
            "last-modified": report.at,
            "version": f"{__version__}+{run[:12]}",
            "oscal-version": VERSION,
        },
        "import-ap": {"href": f"#{plan}"},
        "results": [_result(report, found, run)],
        "back-matter": {"resources": [_plan(plan)]},
    }
    text = msgspec.json.encode({"assessment-results": document})
    return msgspec.json.format(text, indent=2).decode() + "\n"


def _fingerprint(report: Report, frameworks: Sequence[str]) -> str:
    """What makes this report another one than the next: inputs, time, findings, frameworks."""
    digest = hashlib.sha256(repr((report.at, report.inputs, frameworks, __version__)).encode())
    for finding in report.findings:
        digest.update(f"{finding.fingerprint} {finding.state} {finding.severity}\n".encode())
    return digest.hexdigest()


def _plan(uuid: str) -> dict[str, Any]:
    text = "There is no separate assessment plan: the policies of kguard say what is looked at."
    return {"uuid": uuid, "title": "Policies of kguard", "description": text}


def _result(
    report: Report, found: Sequence[tuple[Framework, Sequence[Judgement]]], run: str
) -> dict[str, Any]:
    kept, others = worst(report.findings, MAX_OBSERVATIONS)
    numbers = Counter(finding.state for finding in report.findings)
    props = [_prop(f"findings-{state}", str(numbers[state])) for state in sorted(numbers)]
    props.append(_prop("complete", "yes" if report.complete else "no"))
    if others:
        props.append(_prop("findings-left-out", str(others)))
    result: dict[str, Any] = {
        "uuid": identifier("result", run),
        "title": "One scan",
        "description": _text(f"kguard scan {' '.join(report.inputs) or 'of a live cluster'}"),
        "start": report.at,
        "end": report.at,
        "props": props,
        "reviewed-controls": {"control-selections": [_selection(f, rows) for f, rows in found]},
    }
    if kept:
        result["local-definitions"] = {"inventory-items": _items(kept, run)}
    if seen := [*_coverages(report, run), *_observations(kept, report, run)]:
        result["observations"] = seen
    if risks := [_risk(finding, run) for finding in kept if finding.state == "waived"]:
        result["risks"] = risks
    result["findings"] = [*_findings(found, kept, report.coverage, run)]
    return result


def _prop(name: str, value: str) -> dict[str, str]:
    return {"name": name, "ns": NAMESPACE, "value": _text(value)}


def _text(text: str) -> str:
    """Never empty, on one line, without blanks at its ends, and never long."""
    return shortened(" ".join(clean(text).split()), MAX_TEXT) or "-"


def _selection(framework: Framework, rows: Sequence[Judgement]) -> dict[str, Any]:
    looked = [row for row in rows if row.state != "manual"]
    excluded = [row for row in rows if row.state == "manual"]
    selection: dict[str, Any] = {
        "description": framework.name,
        "props": [_prop("framework", framework.key)],
        "include-controls": [{"control-id": control_id(row.clause, framework)} for row in looked],
    }
    if excluded:
        selection["exclude-controls"] = [
            {"control-id": control_id(row.clause, framework)} for row in excluded
        ]
    return selection


def control_id(clause: Clause, framework: Framework) -> str:
    """The token of a clause: as NIST's own catalogue has it, else the id of kguard's table."""
    if framework.key == "nist":
        return clause.clause.lower().replace("(", ".").replace(")", "")
    return clause.id.lower()


def _coverages(report: Report, run: str) -> Iterator[dict[str, Any]]:
    for layer, coverage in sorted(report.coverage.items()):
        yield {
            "uuid": _coverage_id(layer, run),
            "title": f"What was evaluated: {layer}",
            "description": _text(evaluated(coverage)),
            "props": _shares(layer, coverage),
            "methods": ["TEST"],
            "types": ["control-objective"],
            "collected": report.at,
        }


def _shares(layer: str, coverage: LayerCoverage) -> list[dict[str, str]]:
    numbers = {"evaluated": coverage.evaluated, "total": coverage.total}
    named = [_prop("layer", layer), _prop("state", coverage.state)]
    return named + [_prop(name, str(number)) for name, number in numbers.items()]


def _coverage_id(layer: str, run: str) -> str:
    return identifier("coverage", layer, run)


def _observations(
    findings: Iterable[Finding], report: Report, run: str
) -> Iterator[dict[str, Any]]:
    for finding in findings:
        policy = report.policies.get(finding.policy)
        yield {
            "uuid": _observation_id(finding, run),
            "title": _text(policy.title if policy else finding.policy),
            "description": _text(finding.message),
            "props": [
                _prop("fingerprint", finding.fingerprint),
                _prop("policy", finding.policy),
                _prop("layer", finding.layer),
                _prop("severity", finding.severity),
                _prop("state", finding.state),
            ],
            "methods": ["TEST"],
            "types": ["finding"],
            "subjects": [
                {
                    "subject-uuid": _item_id(finding, run),
                    "type": "inventory-item",
                    "title": _text(str(finding.target)),
                }
            ],
            "relevant-evidence": [*_evidence(finding, report)],
            "collected": report.at,
        }


def _observation_id(finding: Finding, run: str) -> str:
    return identifier("observation", finding.fingerprint, run)


def _evidence(finding: Finding, report: Report) -> Iterator[dict[str, str]]:
    notes = {(step.file, step.line): step.note for step in finding.evidence if step.note}
    for place in anchored(finding, report.inputs)[:MAX_EVIDENCE]:
        line = f"#L{place.line}" if place.line else ""
        note = notes.get((place.file, place.line), "")
        yield {
            "href": quote(clean(path_of(place)), safe="/") + line,
            "description": _text(note or place.role),
        }


def _item_id(finding: Finding, run: str) -> str:
    return identifier("item", finding.target.cluster, finding.target.id, run)


def _items(findings: Iterable[Finding], run: str) -> list[dict[str, Any]]:
    """The objects that findings are about, each once."""
    found = {}
    for finding in findings:
        target = finding.target
        uuid = _item_id(finding, run)
        named = {"kind": target.kind, "namespace": target.namespace, "name": target.name}
        found[uuid] = {
            "uuid": uuid,
            "description": _text(str(target)),
            "props": [_prop(key, value) for key, value in named.items() if value],
        }
    return list(found.values())


def _risk(finding: Finding, run: str) -> dict[str, Any]:
    """A deviation that somebody accepted, with its end."""
    waiver = finding.waiver
    risk: dict[str, Any] = {
        "uuid": _risk_id(finding, run),
        "title": _text(f"Accepted: {finding.policy}"),
        "description": _text(finding.message),
        "statement": _text(f"Accepted by {waiver.get('by', '?')}: {waiver.get('reason', '')}"),
        "status": "deviation-approved",
        "related-observations": [{"observation-uuid": _observation_id(finding, run)}],
    }
    if waiver.get("until"):
        risk["deadline"] = f"{waiver['until']}T00:00:00Z"
    return risk


def _risk_id(finding: Finding, run: str) -> str:
    return identifier("risk", finding.fingerprint, run)


def _findings(
    found: Sequence[tuple[Framework, Sequence[Judgement]]],
    kept: Sequence[Finding],
    layers: Container[str],
    run: str,
) -> Iterator[dict[str, Any]]:
    by_policy: dict[str, list[Finding]] = {}
    for finding in kept:
        by_policy.setdefault(finding.policy, []).append(finding)
    for framework, rows in found:
        for row in rows:
            if row.state != "manual":
                mine = [f for policy in row.clause.policies for f in by_policy.get(policy, ())]
                entry = _finding(framework, row, mine[:MAX_RELATED], run)
                related = [_coverage_id(layer, run) for layer in _layers(row) if layer in layers]
                related += [_observation_id(one, run) for one in mine[:MAX_RELATED]]
                if related:
                    entry["related-observations"] = [{"observation-uuid": r} for r in related]
                yield entry


def _layers(row: Judgement) -> Iterable[str]:
    return dict.fromkeys(policy.partition("/")[0] for policy in row.clause.policies)


def _finding(
    framework: Framework, row: Judgement, mine: Sequence[Finding], run: str
) -> dict[str, Any]:
    clause, name = row.clause, control_id(row.clause, framework)
    counts = [_prop(f"findings-{state}", str(n)) for state, n in sorted(row.counts.items())]
    finding: dict[str, Any] = {
        "uuid": identifier("finding", clause.id, run),
        "title": _text(f"{framework.name} {clause.clause}: {clause.title}"),
        "description": _text(row.because),
        "props": [_prop("state", row.state), _prop("reach", clause.reach), *counts],
        "target": {
            "type": "statement-id",
            "target-id": f"{name}_smt" if framework.key == "nist" else name,
            "status": _status(row),
        },
    }
    if risks := [_risk_id(f, run) for f in mine if f.state == "waived"]:
        finding["related-risks"] = [{"risk-uuid": uuid} for uuid in risks]
    return finding


def _status(row: Judgement) -> dict[str, str]:
    """Whether the clause is satisfied: what can only be refuted never is."""
    whole = row.clause.reach == "automated" or row.state == "failed"
    state, reason = _STATUS.get(row.state, _OTHERWISE) if whole else _OTHERWISE
    left = f" Left to a person: {row.clause.left}." if row.clause.left else ""
    return {"state": state, "reason": reason, "remarks": _text(f"{row.words}.{left}")}
