# SPDX-License-Identifier: Apache-2.0
"""Is what a change does said truly, once, and at the line that does it?

A case is `tests/cases/pulls/<name>/{base/, head/, expected.yaml, needs?}`; the names of those that
change nothing in effect begin with `same`. A case that is rendered names its program in `needs`.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

import msgspec
import pytest
import yaml
from tests.cases.runner import AT, LoadedOnce

from kguard import config, sources
from kguard.change import Compared, compare, surely
from kguard.layers import NAMES, load
from kguard.model.differences import Cause
from kguard.reporters import Settings, changes
from kguard.scan import Options, scan
from kguard.sources.listed import Listed
from kguard.triage.edits import edits

DROPPED = "no kustomization lists it any longer"
HERE = Path(__file__).parent
JUDGED: dict[Path, Compared] = {}
CASES = sorted(path.parent for path in HERE.glob("*/base"))


@pytest.fixture(scope="module")
def engine():
    loaded = LoadedOnce()
    yield loaded
    loaded.close()


@pytest.fixture(params=CASES, ids=lambda folder: folder.name)
def folder(request, testbed, monkeypatch):
    needs = request.param / "needs"
    if needs.exists():
        program = testbed(needs.read_text().strip())
        monkeypatch.setenv("PATH", str(program.parent), prepend=os.pathsep)
    monkeypatch.chdir(request.param)
    return request.param


@pytest.fixture
def compared(folder, engine):
    if folder not in JUDGED:
        JUDGED[folder] = judge(folder, engine)
    return JUDGED[folder]


def judge(folder, engine):
    path = folder / "head" / "kguard.yaml"
    settings = config.read(path) if path.exists() else config.Config()
    wanted = tuple(pattern for name in NAMES for pattern in load(name).files)
    judged, listed = [], Listed()
    for side in ("base", "head"):
        options = Options(config=settings, at=AT, inputs=(side,))
        reading = sources.Options(patterns=wanted, listed=listed)
        collected = sources.collect([side], reading)
        listed.end()
        assert not collected.unreadable
        assert {e.reason for e in collected.not_evaluated} <= {DROPPED}
        judged.append(scan(collected, options, engine))
    sure = surely(judged[0], judged[1], options, engine)
    return Compared(judged[0], judged[1], options, ("base", "head"), sure)


def at(cause: Cause | None) -> str:
    return f"{cause.file}:{cause.line}" if cause else "several"


def expected(found) -> dict:
    """A change as expected.yaml holds it; `near` is the place in the head of what is gone."""
    told = {}
    effects = [{"effect": e.kind, "text": e.text, "at": at(e.cause)} for e in found.effects]
    for row, effect in zip(effects, found.effects, strict=True):
        if effect.cause and effect.cause.side == "base" and effect.cause.place:
            row["near"] = f"{effect.cause.place.file}:{effect.cause.place.line}"
    new = {}
    for one in found.new:
        new.setdefault((one.finding.policy, at(one.cause)), []).append(str(one.finding.target))
    new = [{"policy": p, "at": a, "targets": _few(t)} for (p, a), t in new.items()]
    fixed = [{"policy": f.policy, "target": str(f.target)} for f in found.fixed]
    undecided = [{"policy": f.policy, "target": str(f.target)} for f in found.undecided]
    named = {"effects": effects, "new": new, "fixed": fixed, "undecided": undecided}
    for name, rows in named.items():
        if rows:
            told[name] = rows
    return told


def _few(targets: list[str]) -> list[str]:
    return targets if len(targets) <= 4 else [*targets[:2], f"and {len(targets) - 2} more"]


def test_the_change_is_told(folder, compared, request):
    found = expected(compare(compared))
    path = folder / "expected.yaml"
    if request.config.getoption("--update-cases"):
        path.write_text(yaml.safe_dump(found, sort_keys=False, width=100))
    assert found == (yaml.safe_load(path.read_text()) or {})


def test_what_changes_nothing_says_nothing(folder, compared):
    found = compare(compared)
    assert found.silent == folder.name.startswith("same")
    if found.silent:
        assert {f.fingerprint for f in compared.base.report.findings} == {
            f.fingerprint for f in compared.head.report.findings
        }


def test_each_cause_is_a_line_that_changed(compared):
    """In the text of the files: git would show the line as added or removed."""
    found = compare(compared)
    for cause in [e.cause for e in found.effects] + [n.cause for n in found.new]:
        if cause is None or not cause.line:
            continue
        other = {"base": "head", "head": "base"}[cause.side]
        lines = Path(cause.file).read_text().splitlines()
        counterpart = Path(cause.file.replace(cause.side, other, 1))
        there = counterpart.read_text().splitlines() if counterpart.exists() else []
        line = lines[cause.line - 1]
        assert lines.count(line) > there.count(line), (cause, line)


def test_every_form_says_the_same_much(compared):
    found = compare(compared)
    head, settings = compared.head.report, Settings(reproduce="kguard diff base head")
    forms = {name: changes.render(name, found, head, settings) for name in changes.NAMES}
    assert forms == {name: changes.render(name, found, head, settings) for name in changes.NAMES}
    document = msgspec.json.decode(forms["json"])
    assert (len(document["new"]), len(document["fixed"])) == (len(found.new), len(found.fixed))
    assert len(forms["markdown"].splitlines()) < 50
    assert forms["markdown"].count("\n| ") <= 2 + len(found.effects) + len(found.new) + 2
    (run,) = msgspec.json.decode(forms["sarif"])["runs"]
    places = {
        (r["ruleId"], loc["physicalLocation"]["artifactLocation"]["uri"])
        for r in run["results"]
        for loc in r["locations"]
    }
    moved = [new for new in found.new if new.cause and new.cause.place]
    causes = {(new.finding.policy, new.cause.place.file) for new in moved}
    assert causes <= places
    assert {r["ruleId"] for r in run["results"]} <= {
        r["id"] for r in run["tool"]["driver"]["rules"]
    }


def test_the_other_way_round_the_same_objects_differ(compared):
    there = edits(compared.base.inventory, compared.head.inventory, ("base", "head"))
    back = edits(compared.head.inventory, compared.base.inventory, ("head", "base"))
    assert [edit.name for edit in there] == [edit.name for edit in back]


def test_there_are_cases_of_every_layer():
    kinds = {re.split(r"[-]", folder.name)[0] for folder in CASES}
    assert {"network", "mtls", "images", "audit", "runtime", "same"} <= kinds
    assert len(CASES) >= 30
