# SPDX-License-Identifier: Apache-2.0
"""What do policy-controller's own packages make of globs, policies and pods, and what do we?"""

from __future__ import annotations

import gzip
import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from kguard.layers.images.semantics import policy_controller
from kguard.layers.images.semantics.enforcement import Subject, decide
from kguard.layers.images.semantics.globs import InvalidGlobError, compile_glob, glob_matches
from kguard.layers.images.semantics.policy_controller_checks import problems
from kguard.layers.images.semantics.references import InvalidReferenceError, parse_weakly
from kguard.model.manifests import Manifest, ObjectRef, SourceText
from support.generators.image_policies import Json, questions

Point = tuple[str, Any, Any]

PER_SEED = 900
RECORDED_SEED, RECORDED = 1301, 1500
FILE = Path(__file__).with_name("answers.ndjson.gz")
"""Answers of sigstore/policy-controller v0.13.1 to the recorded seed."""
_VERDICTS = {
    "enforced": "deny",
    "warn_only": "warn",
    "not_matched": "pass",
    "trivially_true": "pass",
}


def ask(oracle: Path, asked: list[Json]) -> list[Json]:
    """The oracle's answers, one for each question."""
    lines = "".join(json.dumps(question) + "\n" for question in asked)
    done = subprocess.run(
        [oracle],
        input=lines.encode(),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        check=True,
    )
    return [json.loads(line) for line in done.stdout.splitlines() if line.startswith(b"{")]


def points(oracle: Path, seed: int) -> Iterator[Point]:
    """All answers of one seed."""
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


def ours(question: Json) -> Json:
    """Our answer in the oracle's words."""
    if "glob" in question:
        return _match(question["glob"], question["image"])
    if "policy" in question:
        return {"refused": any(True for _ in problems(question["policy"]["spec"]))}
    return {"refused": False, "verdict": _verdict(question)}


def _match(glob: str, image: str) -> Json:
    try:
        compile_glob(glob)
    except InvalidGlobError:
        return {"refused": True}
    try:
        matched = glob_matches(glob, image)
    except InvalidReferenceError:
        return {"refused": False, "unreadable": True}
    return {"refused": False, "matched": True} if matched else {"refused": False}


def _verdict(question: Json) -> str:
    """What one object meets: its pods are made, and asked about, later."""
    value = question["object"]
    policies = [Manifest(p, SourceText("", n, 1, "")) for n, p in enumerate(question["policies"])]
    settings = {"apiVersion": "v1", "kind": "ConfigMap", "data": question["config"]}
    installed = policy_controller.installed(
        policies, None, Manifest(settings, SourceText("", 0, 1, "")), config_absent=False
    )
    installed.views = lambda subject: (subject,)
    metadata = value["metadata"]
    subject = Subject(
        namespace="default",
        namespace_labels={policy_controller.INCLUDE_LABEL: "true"},
        namespace_known=True,
        labels=metadata["labels"],
        owner=ObjectRef(value["apiVersion"], value["kind"], "default", metadata["name"]),
    )
    pod = value["spec"]["template"]["spec"] if value["kind"] == "Deployment" else value["spec"]
    reference = parse_weakly(pod["containers"][0]["image"])
    return _VERDICTS[decide([installed], subject, reference).enforcement]


LONG = {"policy-controller": ("policy_controller", points)}
SUITES = {"policy-controller": replayed}
