# SPDX-License-Identifier: Apache-2.0
"""What do kubectl's own packages read from files that nobody has written, and what do we?"""

from __future__ import annotations

import base64
import hashlib
import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from kguard.sources.yaml import load
from support.generators.manifest_bytes import files
from tests.conformance.kubectl_yaml import vectors

FILES_PER_SEED = 5_000
READINGS = 40
"""Go maps have a random order: where keys collide, one reading is not the answer."""

_LOOK_AHEAD = "several JSON texts on one line, not all of them JSON: where go-yaml stops scanning"
KNOWN: dict[str, tuple[int, str]] = {
    "630b787b0dbf": (12, _LOOK_AHEAD),
    "cef2ebcce76c": (14, _LOOK_AHEAD),
}
"""Disagreements by digest of the file: seed and reason. One that agrees by now must go."""


def ask(oracle: Path, inputs: list[bytes]) -> list[dict[str, Any]]:
    """What kubectl's packages read from every file."""
    lines = b"".join(base64.b64encode(data) + b"\n" for data in inputs)
    answer = subprocess.run([oracle], input=lines, capture_output=True, check=True)
    return [json.loads(line) for line in answer.stdout.split(b"\n") if line]


def points(oracle: Path, seed: int, *, fast: bool = True) -> Iterator[vectors.Point]:
    """Digest, kubectl's reading and ours for each file of a seed.

    Where kubectl's own readings differ, any of them is the answer; where we say that readers
    disagree, ours is.
    """
    inputs = list(files(seed, FILES_PER_SEED))
    for data, answer in zip(inputs, ask(oracle, inputs), strict=True):
        found = list(load(data, fast=fast))
        ours, recorded = vectors.our_answer(found), vectors.recorded_answer(answer)
        if ours != recorded and (vectors.ambiguous(found) or ours in _readings(oracle, data)):
            recorded = ours
        yield hashlib.sha256(data).hexdigest()[:12], recorded, ours


def _readings(oracle: Path, data: bytes) -> list[Any]:
    return [vectors.recorded_answer(again) for again in ask(oracle, [data] * READINGS)]


def unlisted(oracle: Path, seed: int) -> Iterator[vectors.Point]:
    """The same without the known disagreements, for long runs over many seeds."""
    return (point for point in points(oracle, seed) if point[0] not in KNOWN)


LONG = {"kubectl-yaml random files": ("kubectl_yaml", unlisted)}
