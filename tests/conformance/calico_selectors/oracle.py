# SPDX-License-Identifier: Apache-2.0
"""Which labels does Calico's own parser say that random selectors select, and what do we say?"""

from __future__ import annotations

import gzip
import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from kguard.layers.network.semantics.calico_selectors import SelectorError, parse
from kguard.layers.network.semantics.expressions import Expression, holds
from support.generators.calico_selectors import questions

Point = tuple[str, Any, Any]

PER_SEED = 2000
RECORDED_SEED, RECORDED = 77, 1500
FILE = Path(__file__).with_name("selectors.ndjson.gz")
"""Answers of projectcalico/calico a0db560f0520, libcalico-go/lib/selector."""


def ask(oracle: Path, asked: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The oracle's answers, one for each question."""
    lines = "".join(json.dumps(question) + "\n" for question in asked)
    done = subprocess.run([oracle], input=lines.encode(), capture_output=True, check=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


def points(oracle: Path, seed: int) -> Iterator[Point]:
    """Acceptance and selection of one seed."""
    asked = list(questions(seed, PER_SEED))
    for question, answer in zip(asked, ask(oracle, asked), strict=True):
        yield _compared(question, answer)


def record(oracle: Path) -> None:
    """Write the oracle's answers to the recorded seed, for runs without it."""
    answers = ask(oracle, list(questions(RECORDED_SEED, RECORDED)))
    text = "".join(json.dumps([a["accepted"], a["selected"]]) + "\n" for a in answers)
    FILE.write_bytes(gzip.compress(text.encode(), mtime=0))


def replayed(_: Path) -> Iterator[Point]:
    """The recorded slice."""
    lines = gzip.decompress(FILE.read_bytes()).splitlines()
    for question, line in zip(questions(RECORDED_SEED, RECORDED), lines, strict=True):
        accepted, selected = json.loads(line)
        yield _compared(question, {"accepted": accepted, "selected": selected})


def _compared(question: dict[str, Any], answer: dict[str, Any]) -> Point:
    recorded = answer["selected"] if answer["accepted"] else "refused"
    return json.dumps(question["selector"]), recorded, _ours(question)


def _ours(question: dict[str, Any]) -> Any:
    try:
        expression = parse(question["selector"])
    except SelectorError:
        return "refused"
    return [_selects(expression, labels) for labels in question["labels"]]


def _selects(expression: Expression, labels: dict[str, str]) -> bool:
    return holds(expression, lambda _, key: labels.get(key))


LONG = {"calico selectors": ("calico_selectors", points)}
SUITES = {"calico selectors": replayed}
