# SPDX-License-Identifier: Apache-2.0
"""Does cosign accept what we accept, on signatures that nobody recorded?

Images with signatures of every format come from `support/generators/signed`; cosign asks a
registry of this process for them. A compact slice of its answers is kept beside this file: the
images themselves are made again from the seed.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import subprocess
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from kguard.layers.images.assess import assess
from support.generators.signed.cases import Case, arguments, files, named_cases
from support.generators.signed.images import FORMATS
from support.generators.signed.mutations import mutated_cases
from tests.conformance.cosign.vectors import Point, Recorded, accepted, authorities
from tests.conformance.cosign_own.registry import Registry

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
PER_SEED = 50
"""Damaged signatures of each format in one seed: 20 seeds are 1,000."""
RECORDED_SEED, RECORDED = 4242, 40
FILE = Path(__file__).with_name("answers.json.gz")
"""What cosign 3.1.3 accepts of the named cases and of the recorded seed."""
NAMED = "named"
_CLOSED = "http://127.0.0.1:9"
_PROCESSES = 2


def ask(cosign: Path, cases: Sequence[Case]) -> list[bool]:
    """Whether cosign accepts each case."""
    with tempfile.TemporaryDirectory() as place, Registry() as registry:
        folder = Path(place)
        for name, content in files().items():
            (folder / name).parent.mkdir(exist_ok=True)
            (folder / name).write_bytes(content)
        for case in cases:
            registry.add(case.repository.row, case.repository.content)
        with ThreadPoolExecutor(_PROCESSES) as pool:
            return list(pool.map(partial(_ask_one, cosign, folder, registry.name), cases))


def _ask_one(cosign: Path, folder: Path, registry: str, case: Case) -> bool:
    reference = f"{registry}/{case.repository.name}@{case.digest}"
    own = {"PATH": os.environ["PATH"], "HOME": str(folder), "HTTPS_PROXY": _CLOSED}
    done = subprocess.run(
        [cosign, *arguments(case.row), reference],
        cwd=folder,
        env=own,
        capture_output=True,
        timeout=120,
        check=False,
    )
    return done.returncode == 0


def ours(case: Case) -> tuple[str, bool]:
    """Our class, and whether we say that cosign accepts the case."""
    row = case.row
    store = Recorded(case.repository.row, case.repository.content)
    verdict = assess(store, case.digest, authorities(files().__getitem__, row), NOW)
    return verdict.signature, accepted(row, verdict)


def mutations(seed: int, count: int, forms: Sequence[str] = FORMATS) -> list[Case]:
    """Damaged signatures of all formats."""
    return [case for form in forms for case in mutated_cases(form, seed, count)]


def named_points(cosign: Path, seed: int) -> Iterator[Point]:
    """Every named case; they do not depend on the seed."""
    del seed
    yield from compared(list(named_cases()), partial(ask, cosign))


def points(form: str, cosign: Path, seed: int) -> Iterator[Point]:
    """The damaged signatures of one format and seed."""
    yield from compared(mutations(seed, PER_SEED, (form,)), partial(ask, cosign))


def compared(
    cases: Sequence[Case], answers: Callable[[Sequence[Case]], list[bool]]
) -> Iterator[Point]:
    """Acceptance of each case by cosign and by us."""
    for case, answer in zip(cases, answers(cases), strict=True):
        yield case.id, answer, ours(case)[1]


def fingerprint(cases: Iterable[Case]) -> str:
    """A digest of everything that is asked: answers to other questions say nothing."""
    state = hashlib.sha256()
    for case in cases:
        state.update(json.dumps([case.row, case.repository.row], sort_keys=True).encode())
    return state.hexdigest()


def record(cosign: Path) -> None:
    """Write cosign's answers to the named cases and to the recorded seed."""
    found: dict[str, Any] = {}
    for name, cases in _recorded().items():
        answers = "".join("1" if answer else "0" for answer in ask(cosign, cases))
        found[name] = {"questions": fingerprint(cases), "accepts": answers}
    FILE.write_bytes(gzip.compress(json.dumps(found).encode(), mtime=0))


def _recorded() -> dict[str, list[Case]]:
    cases = {NAMED: list(named_cases())}
    return {**cases, "mutations": mutations(RECORDED_SEED, RECORDED)}


def replayed(name: str, _: Path) -> Iterator[Point]:
    """The recorded answers of one kind."""
    kept = json.loads(gzip.decompress(FILE.read_bytes()))[name]
    cases = _recorded()[name]
    assert fingerprint(cases) == kept["questions"], "the questions are others than were recorded"
    yield from compared(cases, lambda _: [answer == "1" for answer in kept["accepts"]])


LONG = {
    "cosign named cases": ("cosign", named_points),
    **{f"cosign mutations {form}": ("cosign", partial(points, form)) for form in FORMATS},
}
SUITES = {
    "cosign own cases": partial(replayed, NAMED),
    "cosign own mutations": partial(replayed, "mutations"),
}
