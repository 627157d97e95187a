# SPDX-License-Identifier: Apache-2.0
"""Which logins would the kubelet's own keyring try for random images, and which do we?"""

from __future__ import annotations

import gzip
import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from kguard.sources.registry.pull_secrets import lookup, read_secret
from kguard.sources.registry.routes import canonical
from support.generators.pull_secrets import questions

Point = tuple[str, Any, Any]

PER_SEED = 5000
RECORDED_SEED, RECORDED = 7, 3000
FILE = Path(__file__).with_name("keyring.ndjson.gz")
"""Answers of k8s.io/kubernetes v1.36.3, pkg/credentialprovider."""


def ask(oracle: Path, asked: list[dict[str, Any]]) -> list[Any]:
    """The oracle's answers, one for each question."""
    lines = "".join(json.dumps(question) + "\n" for question in asked)
    done = subprocess.run([oracle], input=lines.encode(), capture_output=True, check=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


def points(oracle: Path, seed: int) -> Iterator[Point]:
    """The logins for the images of one seed."""
    asked = list(questions(seed, PER_SEED))
    for question, answer in zip(asked, ask(oracle, asked), strict=True):
        yield _compared(question, answer)


def record(oracle: Path) -> None:
    """Write the oracle's answers to the recorded seed, for runs without it."""
    answers = ask(oracle, list(questions(RECORDED_SEED, RECORDED)))
    text = "".join(json.dumps(answer) + "\n" for answer in answers)
    FILE.write_bytes(gzip.compress(text.encode(), mtime=0))


def replayed(_: Path) -> Iterator[Point]:
    """The recorded slice."""
    lines = gzip.decompress(FILE.read_bytes()).splitlines()
    for question, line in zip(questions(RECORDED_SEED, RECORDED), lines, strict=True):
        yield _compared(question, json.loads(line))


def _compared(question: dict[str, Any], answer: Any) -> Point:
    # Of equal keys in several secrets, and in one after normalisation, Go keeps no order.
    recorded = None if answer is None else sorted(map(tuple, answer))
    ours = _ours(question)
    return json.dumps(question), recorded, None if ours is None else sorted(ours)


def _ours(question: dict[str, Any]) -> list[tuple[str, str]] | None:
    secrets = [read_secret(s["type"], s["data"]) for s in question["secrets"]]
    registry, _, repository = question["image"].partition("/")
    found = lookup(secrets, canonical(registry), repository)
    return None if found is None else [(login.username, login.password) for login in found]


LONG = {"keyring": ("keyring", points)}
SUITES = {"keyring": replayed}
