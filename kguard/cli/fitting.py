# SPDX-License-Identifier: Apache-2.0
"""Which settings fit what lies in a folder, and why?"""

from __future__ import annotations

import json
import posixpath
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from kguard.config import FILE_NAME

if TYPE_CHECKING:
    from kguard.inventory import Inventory
    from kguard.model.manifests import Collected, NotEvaluated, Unreadable

SCHEMA_FILE = "kguard.schema.json"
BASELINE_FILE = "kguard-baseline.json"
_VALUES = re.compile(r"values[-.](?P<name>[\w-]+)\.ya?ml")
_CHART = "a Helm chart: "
_TESTS = frozenset({"test", "tests", "testdata", "e2e", "fixtures"})
_SCOPES = {
    True: "the input configures an API server: what is missing here is a finding",
    False: "one application: what the whole cluster must have is not asked of it",
}


class Decision(NamedTuple):
    """One thing that was decided, with its reason."""

    what: str
    value: str
    why: str


class Fit:
    """What fits a folder that was read."""

    def __init__(self, folder: Path, collected: Collected, inventory: Inventory) -> None:
        self.folder = folder
        self.collected, self.inventory = collected, inventory
        self.charts = charts(folder, collected)
        self.inputs = self._inputs()
        self.whole = _whole_cluster(inventory)

    def _inputs(self) -> list[str]:
        """The folders right below that hold manifests; `.` where some lie in the folder itself."""
        collected = self.collected
        files = {m.text.file for m in collected.manifests} | {*self.charts}
        files |= {entry.source.rpartition(":")[0] or entry.source for entry in collected.unreadable}
        files |= {document.text.file for document in collected.documents if _of_falco(document)}
        below = {_relative(self.folder, file).partition("/") for file in files}
        return sorted({first for first, _, _ in below}) if all(s for _, s, _ in below) else ["."]

    @property
    def tests(self) -> list[str]:
        """Folders with manifests that look like tests by their names."""
        parts = (
            _relative(self.folder, m.text.file).split("/")[:-1] for m in self.collected.manifests
        )
        return sorted({found for folders in parts if (found := _of_tests(folders))})

    def settings(self) -> str:
        """The text of kguard.yaml; what it says is what a scan without it would find."""
        return "".join(f"{line}\n" for line in self._lines())

    def _lines(self) -> Iterator[str]:
        yield f"# yaml-language-server: $schema={SCHEMA_FILE}"
        yield "# What `kguard scan` without inputs reads, and what it may take for granted."
        yield from _list("inputs", self.inputs)
        if self.tests:
            globs = json.dumps([f"{name}/**" for name in self.tests])
            yield f"# exclude: {globs}  # they look like tests"
        yield f"scope: {'cluster' if self.whole else 'app'}  # {_SCOPES[self.whole]}"
        yield "fail-on: high"
        yield f"baseline: {BASELINE_FILE}  # what was there before; `kguard baseline` renews it"
        yield "fail-on-new: true  # only what the baseline does not hold makes the exit code 1"
        yield ""
        yield "# cluster:  # say what runs; what is left out is detected, else assumed as it stands"
        for key, entry in sorted(self.inventory.assumed.items()):
            if entry.value:
                yield f"#   {key}: {json.dumps(entry.value)}  # {entry.how}"
        releases = list(_releases(self.folder, self.charts))
        if releases:
            yield ""
            yield "helm:  # one entry for each environment; correct names and namespaces"
            yield from releases

    def decisions(self) -> Iterator[Decision]:
        """What the settings say, in words."""
        count = len(self.collected.manifests)
        yield Decision(
            "inputs", ", ".join(self.inputs), f"{_number(count, 'manifest')} found there"
        )
        yield Decision("scope", "cluster" if self.whole else "app", _SCOPES[self.whole])
        for chart in self.charts:
            values = [entry for entry in _values(Path(chart)) if entry]
            names = ", ".join(values) or "its values.yaml"
            yield Decision(
                "helm", _relative(self.folder, chart), f"a chart, installed with {names}"
            )
        sets = {m.text.apply_set for m in self.collected.manifests}
        if rendered := [name for name in sets if name and " as " not in name]:
            why = "rendered, so that what is applied is judged"
            yield Decision("kustomize", self._some(rendered), why)
        for name in self.tests:
            yield Decision("tests?", name, f"`exclude` of {FILE_NAME} leaves them out")
        yield from self._without("left out", self.collected.not_evaluated)
        yield from self._without("not read", self.collected.unreadable)

    def _some(self, places: Iterable[str]) -> str:
        """The first places by name, and how many more there are."""
        names = sorted({_relative(self.folder, place) for place in places})
        more = len(names) - _SHOWN
        return ", ".join(names[:_SHOWN]) + (f" and {more} more" if more > 0 else "")

    def _without(
        self, what: str, entries: Iterable[NotEvaluated] | Iterable[Unreadable]
    ) -> Iterator[Decision]:
        """What is not judged, by reason."""
        by_reason: dict[str, list[str]] = {}
        for entry in entries:
            by_reason.setdefault(entry.reason, []).append(entry.source)
        for why, places in sorted(by_reason.items()):
            yield Decision(what, self._some(places), why)


_SHOWN = 3
"""Places of a kind that are named."""


def _of_tests(folders: Sequence[str]) -> str:
    """The part of a path that ends with a folder of tests; empty where there is none."""
    ends = (n for n, name in enumerate(folders, start=1) if name in _TESTS)
    return next(("/".join(folders[:end]) for end in ends), "")


def _number(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"


def _of_falco(document: object) -> bool:
    """Whether a document without kind is a file of Falco's: rules, or its settings."""
    value = getattr(document, "value", None)
    if isinstance(value, list):
        return any(isinstance(entry, dict) and {"rule", "macro"} & {*entry} for entry in value)
    return isinstance(value, dict) and "rules_files" in value


def _relative(folder: Path, file: str) -> str:
    return posixpath.relpath(file, folder.as_posix())


def _whole_cluster(inventory: Inventory) -> bool:
    from datetime import UTC, datetime

    from kguard import layers
    from kguard.model.layer import Request

    facts = layers.load("audit").facts(inventory, Request("app", datetime.now(UTC)))
    return bool(facts.servers)  # type: ignore[attr-defined]


def charts(folder: Path, collected: Collected) -> list[str]:
    """The folders of charts, rendered or not, each with a slash at the end."""
    found = {
        m.text.apply_set.partition(" as ")[0]
        for m in collected.manifests
        if m.text.rendered_by == "helm"
    }
    found |= {e.source for e in collected.not_evaluated if e.reason.startswith(_CHART)}
    return sorted(f"{name}/" for name in found if (folder / _relative(folder, name)).is_dir())


def _values(chart: Path) -> list[str]:
    """The files of values beside the chart's own, one for each environment; else an empty name."""
    return sorted(entry.name for entry in chart.iterdir() if _VALUES.fullmatch(entry.name)) or [""]


def _releases(folder: Path, found: Iterable[str]) -> Iterator[str]:
    for chart in found:
        place = Path(chart)
        name = re.sub(r"[^a-z0-9-]", "-", place.resolve().name.lower()).strip("-") or "release"
        for values in _values(place):
            at = _relative(folder, chart)
            yield f"- chart: {json.dumps(at)}"
            yield f"  name: {name}"
            if match := _VALUES.fullmatch(values):
                yield f"  namespace: {match['name'].lower().replace('_', '-')}"
                yield f"  values: [{json.dumps(posixpath.join(at, values))}]"


def _list(key: str, entries: Iterable[str]) -> Iterator[str]:
    yield f"{key}:"
    yield from (f"- {json.dumps(entry)}" for entry in entries)
