# SPDX-License-Identifier: Apache-2.0
"""Which documents and objects did kubectl 1.36.3 and kustomize 5.8.1 read, and which do we?"""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

from kguard.sources.yaml import Broken, Document, ItemError, expand_items, load, refusal

Point = tuple[str, Any, Any]
Record = dict[str, Any]
FOLDER = "kubectl-yaml"
REFUSED = "refused"
INT64_LIMIT = 2**63


def _records(folder: Path) -> Iterator[tuple[Record, bytes]]:
    for name in ("hand", "fuzz"):
        text = gzip.decompress((folder / f"{name}.ndjson.gz").read_bytes()).decode()
        for line in text.split("\n"):
            if line:
                record = json.loads(line)
                yield record, base64.b64decode(record["input_b64"])


def comparable(value: Any) -> Any:
    """A value with the numbers that Go writes without their fraction made alike."""
    if isinstance(value, dict):
        return {key: comparable(item) for key, item in value.items()}
    if isinstance(value, list):
        return [comparable(item) for item in value]
    if isinstance(value, int) and not -INT64_LIMIT <= value < INT64_LIMIT:
        return float(value)
    return value


def recorded_answer(record: Record) -> list[Any]:
    """The documents up to the first error, which ends the list as `refused`."""
    answer = []
    for document in record["documents"] or []:
        if isinstance(document, dict) and "!error" in document:
            return [*answer, REFUSED]
        answer.append(comparable(document))
    return [*answer, REFUSED] if record["error"] else answer


def our_answer(found: list[Document | Broken]) -> list[Any]:
    """The same of ours."""
    answer = []
    for document in found:
        if isinstance(document, Broken):
            return [*answer, REFUSED]
        answer.append(comparable(document.value))
    return answer


def ambiguous(found: list[Document | Broken]) -> bool:
    """Whether we say that the answer changes from run to run."""
    documents = [document for document in found if isinstance(document, Document)]
    return any(note.trap == "colliding-keys" for d in documents for note in d.ambiguities)


def documents(folder: Path, *, fast: bool) -> Iterator[Point]:
    """Each file: the documents that kubectl reads, or that the answer is a matter of chance."""
    for record, data in _records(folder):
        found = list(load(data, fast=fast))
        if "nondeterministic" in record:
            yield record["id"], "chance", "chance" if ambiguous(found) else "certain"
        else:
            yield record["id"], recorded_answer(record), our_answer(found)


def lines(folder: Path) -> Iterator[Point]:
    """Each file: the line on which every document starts."""
    for record, data in _records(folder):
        if "lines" in record and not record["error"]:
            found = [item.line for item in load(data) if isinstance(item, Document)]
            yield record["id"], record["lines"], found


def objects(folder: Path) -> Iterator[Point]:
    """Each file: the objects that kubectl acts on, lists flattened."""
    for record, data in _records(folder):
        if record["error"] or "nondeterministic" in record:
            continue
        found = [document.value for document in load(data) if isinstance(document, Document)]
        ours = [comparable(item) for value in found for item in _acted_on(value)]
        yield record["id"], comparable(record.get("objects", record["documents"])), ours


def _acted_on(value: Any) -> list[Any]:
    if not isinstance(value, dict) or refusal(value) is not None:
        return []
    parts = list(expand_items(value))
    if isinstance(parts[0] if parts else None, ItemError) and len(parts) == 1:
        return []
    return [_placed(part[1]) for part in parts if not isinstance(part, ItemError)]


def _placed(item: dict[str, Any]) -> dict[str, Any]:
    """An object as it looks after kubectl has looked for its namespace: an empty one is gone."""
    metadata = item.get("metadata")
    if isinstance(metadata, dict) and metadata.get("namespace", "set") in {None, ""}:
        rest = {name: value for name, value in metadata.items() if name != "namespace"}
        return {**item, "metadata": rest}
    return item


def kustomized(folder: Path) -> Iterator[Point]:
    """Each file: what kustomize's reader makes of it; a crash of it is an error of ours.

    Left out: what kustomize refuses after reading, because it is no resource, and lists, which
    it expands while reading.
    """
    for record, data in _records(folder):
        answer = record.get("kustomize")
        if answer is None or b"items" in data:
            continue
        if answer != "same" and str(answer["error"]).startswith("missing "):
            continue
        recorded = recorded_answer(record if answer == "same" else answer)
        ours = our_answer(list(load(data, profile="kustomize")))
        yield record["id"], _verdict(recorded), _verdict(ours)


def _verdict(answer: list[Any]) -> list[Any] | str:
    """kustomize takes a whole file or nothing."""
    return REFUSED if REFUSED in answer else answer


SUITES = {
    "kubectl-yaml documents, exact": partial(documents, fast=False),
    "kubectl-yaml documents, fast": partial(documents, fast=True),
    "kubectl-yaml lines": lines,
    "kubectl-yaml objects": objects,
    "kubectl-yaml kustomize": kustomized,
}
