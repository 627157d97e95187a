# SPDX-License-Identifier: Apache-2.0
"""How do Kyverno's own packages name images and match patterns, and how do we?"""

from __future__ import annotations

import gzip
import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from kguard.layers.images.semantics.globs import kyverno_name, wildcard_matches
from kguard.layers.images.semantics.references import InvalidReferenceError, parse_reference
from support.generators.kyverno_images import questions

Point = tuple[str, Any, Any]

PER_SEED = 2000
RECORDED_SEED, RECORDED = 77, 1500
FILE = Path(__file__).with_name("answers.ndjson.gz")
"""Answers of kyverno/kyverno v1.15.2 to the recorded seed."""


def ask(oracle: Path, asked: list[dict[str, str]]) -> list[dict[str, Any]]:
    """The oracle's answers, one for each question."""
    lines = "".join(json.dumps(question) + "\n" for question in asked)
    done = subprocess.run([oracle], input=lines.encode(), capture_output=True, check=True)
    return [json.loads(line) for line in done.stdout.splitlines() if line.startswith(b"{")]


def points(oracle: Path, seed: int) -> Iterator[Point]:
    """Name and match of each image of one seed."""
    asked = list(questions(seed, PER_SEED))
    for number, (question, answer) in enumerate(zip(asked, ask(oracle, asked), strict=True)):
        yield f"{seed}.{number}", answer, ours(question)


def record(oracle: Path) -> None:
    """Write the oracle's answers to the recorded seed, for runs without it."""
    answers = ask(oracle, list(questions(RECORDED_SEED, RECORDED)))
    text = "".join(json.dumps(answer, separators=(",", ":")) + "\n" for answer in answers)
    FILE.write_bytes(gzip.compress(text.encode(), mtime=0))


def replayed(_: Path) -> Iterator[Point]:
    """The recorded slice."""
    lines = gzip.decompress(FILE.read_bytes()).splitlines()
    asked = questions(RECORDED_SEED, RECORDED)
    for number, (question, line) in enumerate(zip(asked, lines, strict=True)):
        yield f"{RECORDED_SEED}.{number}", json.loads(line), ours(question)


def ours(question: dict[str, str]) -> dict[str, Any]:
    """Our answer in the oracle's words."""
    try:
        name = kyverno_name(parse_reference(question["image"]))
    except InvalidReferenceError:
        return {"unreadable": True}
    found: dict[str, Any] = {"name": name}
    return {**found, "matched": True} if wildcard_matches(question["pattern"], name) else found


LONG = {"kyverno images": ("kyverno_images", points)}
SUITES = {"kyverno images": replayed}
