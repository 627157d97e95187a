# SPDX-License-Identifier: Apache-2.0
"""What does the API server's own code do with policies that nobody has written, and what do we?"""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec

from kguard.layers.audit.facts.files import read_policy
from kguard.layers.audit.semantics.evaluate import Attributes, evaluate
from kguard.layers.audit.semantics.policy import Policy
from kguard.layers.audit.semantics.requests import attributes
from kguard.layers.audit.semantics.version import Version
from support.generators.audit_questions import questions

Point = tuple[str, Any, Any]

POLICIES_PER_SEED = 500
REQUESTS_PER_POLICY = 20


def ask(oracle: Path, asked: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The oracle's answers, one for each question."""
    lines = "".join(json.dumps(question) + "\n" for question in asked)
    done = subprocess.run([oracle], input=lines.encode(), capture_output=True, check=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


def points(oracle: Path, seed: int, version: Version) -> Iterator[Point]:
    """Acceptance, policy, strictness, decisions and URLs of one seed."""
    asked = list(questions(seed, POLICIES_PER_SEED, REQUESTS_PER_POLICY))
    for question, answer in zip(asked, ask(oracle, asked), strict=True):
        yield from compared(question, answer, version)


RECORDED = {
    "1.36": ("audit apiserver 1.36.3", Version(1, 36)),
    "1.35": ("audit apiserver 1.35.10", Version(1, 35)),
}
RECORDED_SEED = 6104
RECORDED_POLICIES = 250
RECORDED_REQUESTS = 6


def record(oracle: Path, path: Path) -> None:
    """Write questions with the oracle's answers, for runs without it."""
    asked = list(questions(RECORDED_SEED, RECORDED_POLICIES, RECORDED_REQUESTS))
    rows = zip(asked, ask(oracle, asked), strict=True)
    text = "".join(json.dumps({"question": q, "answer": a}) + "\n" for q, a in rows)
    path.write_bytes(gzip.compress(text.encode(), mtime=0))


def replayed(minor: str) -> Iterator[Point]:
    """The recorded slice of one minor version."""
    raw = (Path(__file__).parent / f"apiserver-{minor}.ndjson.gz").read_bytes()
    for line in gzip.decompress(raw).splitlines():
        row = json.loads(line)
        yield from compared(row["question"], row["answer"], RECORDED[minor][1])


SUITES = {name: lambda _, minor=minor: replayed(minor) for minor, (name, _) in RECORDED.items()}


def compared(question: dict[str, Any], answer: dict[str, Any], version: Version) -> Iterator[Point]:
    """One question with the recorded answer and ours, point by point."""
    data = base64.b64decode(question["file"])
    identity = hashlib.sha256(data).hexdigest()[:12]
    read = read_policy(data, version)
    loaded = read.loaded
    accepted = loaded.state == "valid"
    yield f"{identity} accepted", not answer["error"], accepted
    if not answer["error"] and accepted and loaded.policy is not None:
        yield f"{identity} strict", answer["strict"], not (loaded.ignored or read.repeated)
        yield f"{identity} policy", _normal(answer["policy"]), as_stored(loaded.policy)
        asked = zip(question["requests"], answer["decisions"], strict=True)
        for number, (request, decision) in enumerate(asked):
            yield f"{identity} request {number}", _sorted(decision), _ours(loaded.policy, request)
    for url, found in zip(question["urls"], answer["urls"], strict=True):
        yield f"{url['method']} {url['uri']}", _known(found), _resolved(url)


def _normal(stored: dict[str, Any]) -> dict[str, Any]:
    kept = ("rules", "omitStages", "omitManagedFields")
    found = {key: stored[key] for key in kept if stored.get(key)}
    for rule in found.get("rules", []):
        for entry in rule.get("resources", []):
            entry.setdefault("group", "")
    return found


def as_stored(policy: Policy) -> dict[str, Any]:
    """A policy without empty fields; the group of resources is always there."""
    found: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(policy))
    for rule in found.get("rules", []):
        for entry in rule.get("resources", []):
            entry.setdefault("group", "")
    return found


def _sorted(decision: dict[str, Any]) -> dict[str, Any]:
    return {**decision, "omitStages": sorted(set(decision["omitStages"]))}


def _ours(policy: Policy, request: dict[str, Any]) -> dict[str, Any]:
    found = evaluate(policy, msgspec.convert(request, Attributes))
    return {
        "level": found.level,
        "omitStages": sorted(set(found.omit_stages)),
        "omitManagedFields": found.omit_managed_fields,
    }


_FIELDS = ("verb", "resourceRequest", "apiGroup", "resource", "subresource", "namespace", "name")


def _known(found: dict[str, Any]) -> dict[str, Any]:
    return {key: found[key] for key in (*_FIELDS, "path")}


def _resolved(url: dict[str, str]) -> dict[str, Any]:
    return _known(msgspec.to_builtins(attributes(url["method"], url["uri"], "jane")))


def _of(version: Version) -> Callable[[Path, int], Iterator[Point]]:
    return lambda oracle, seed: points(oracle, seed, version)


LONG = {
    "audit decisions of 1.36": ("apiserver", _of(Version(1, 36))),
    "audit decisions of 1.35": ("apiserver_1_35", _of(Version(1, 35))),
}
