# SPDX-License-Identifier: Apache-2.0
"""What did Falco 0.44.1 answer, and what do we say? (id, recorded, ours) for each point."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from kguard.layers.runtime.semantics.events import described
from kguard.layers.runtime.semantics.expressions import as_text
from kguard.layers.runtime.semantics.lexer import ConditionError
from kguard.layers.runtime.semantics.loader import Ruleset, RulesFile, load
from kguard.layers.runtime.semantics.parser import parse
from tests.conformance.falco import sabotage

Point = tuple[str, Any, Any]
FOLDER = ""
_UPSTREAM = {
    "stable": ("falco_rules.yaml",),
    "stable+incubating+sandbox": (
        "falco_rules.yaml",
        "falco-incubating_rules.yaml",
        "falco-sandbox_rules.yaml",
    ),
    "k8saudit": ("rules/k8s_audit_rules.yaml",),
}


def _recorded(folder: Path, name: str) -> Any:
    raw = (folder / "falco" / name).read_bytes()
    return json.loads(gzip.decompress(raw) if name.endswith(".gz") else raw)


def _answer(condition: str) -> dict[str, Any]:
    try:
        return {"ok": True, "ast": as_text(parse(condition))}
    except ConditionError as error:
        return {"ok": False, "err": error.message, "pos": list(error.position)}


def conditions(folder: Path) -> Iterator[Point]:
    """Verdict, printed form, message and place of the error for each condition."""
    vectors = _recorded(folder, "falco_0.44.1_filter_parser.json")
    for kind in ("accept", "reject"):
        for number, vector in enumerate(vectors[kind]):
            ours = _answer(vector["in"])
            yield f"{kind}-{number}", {key: vector.get(key) for key in ours}, ours


def documents(folder: Path) -> Iterator[Point]:
    """Acceptance, codes and messages in order, enabled count and conditions of rules files."""
    for number, vector in enumerate(_recorded(folder, "falco_0.44.1_unit_rules.json")):
        ours = _loaded(load([RulesFile("rules.yaml", vector["rules"])]))
        yield f"{vector['test']}-{number}", {key: vector[key] for key in ours}, ours


def _loaded(ruleset: Ruleset) -> dict[str, Any]:
    result = ruleset.results[0]
    rules = ruleset.compiled.rules if result.successful else {}
    return {
        "ok": result.successful,
        "errors": [[p.code, p.message] for p in result.errors],
        "warnings": [[p.code, p.message] for p in result.warnings],
        "enabled": sum(ruleset.enabled().values()) if result.successful else None,
        "compiled": {name: as_text(rule.condition) for name, rule in rules.items()},
    }


def upstream(folder: Path, name: str) -> list[RulesFile]:
    """The upstream rules files of a recorded set."""
    corpus = folder.parent / "corpus" / "falco-rules"
    return [RulesFile(file, (corpus / file).read_text()) for file in _UPSTREAM[name]]


def descriptions(folder: Path) -> Iterator[Point]:
    """Conditions, event types, macros and lists of the upstream rules, text by text."""
    recorded = _recorded(folder, "falco_0.44.1_describe_upstream_rules.json.gz")
    for name, answer in recorded.items():
        ruleset = load(upstream(folder, name))
        yield f"{name} enabled", answer["enabled"], sum(ruleset.enabled().values())
        yield from _described(name, answer["describe"], ruleset)


def _described(name: str, answer: dict[str, Any], ruleset: Ruleset) -> Iterator[Point]:
    for entry in answer["rules"]:
        rule = ruleset.compiled.rules[entry["info"]["name"]]
        details = entry["details"]
        yield (
            f"{name} rule {rule.info.name}",
            (details["condition_compiled"], sorted(details["events"])),
            (as_text(rule.condition), described(rule.types, rule.info.source)),
        )
    macros = ruleset.compiled.macros
    for entry in answer["macros"]:
        condition = macros.condition(entry["info"]["name"])
        ours = as_text(condition) if condition else ""
        place = f"{name} macro {entry['info']['name']}"
        yield place, entry["details"]["condition_compiled"], ours
    for entry in answer["lists"]:
        ours = ruleset.compiled.lists[entry["info"]["name"]]
        yield f"{name} list {entry['info']['name']}", entry["details"]["items_compiled"], ours


def spoiled(folder: Path) -> Iterator[Point]:
    """The upstream rules with files on top that take rules out of force."""
    for row in sabotage.ROWS:
        yield row.id, sabotage.recorded(row), sabotage.ours(upstream(folder, "stable"), row)


SUITES = {
    "falco conditions": conditions,
    "falco rules files": documents,
    "falco upstream rules": descriptions,
    "falco spoiled rules": spoiled,
}
