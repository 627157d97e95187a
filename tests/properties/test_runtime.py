# SPDX-License-Identifier: Apache-2.0
"""Does the runtime layer survive whatever manifests and files hold?"""

from __future__ import annotations

import copy
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kguard.inventory import build
from kguard.layers.runtime import LAYER
from kguard.model.layer import Request
from kguard.model.manifests import Collected, Manifest, PlainDocument, SourceText

CASES = Path(__file__).parents[1] / "cases" / "runtime"
REQUEST = Request(scope="cluster", at=datetime(2026, 11, 23, tzinfo=UTC))
JUNK = st.sampled_from([None, True, 0, -1, "", "x", "[", "- rule: [", [], {}, [None], {"a": 1}])


def _objects() -> list[Any]:
    names = ("silenced", "nodes-missed", "operator", "chart-values", "receiver", "plain-files")
    paths = [path for name in names for path in sorted((CASES / name / "in").glob("*.yaml"))]
    return [doc for path in paths for doc in yaml.safe_load_all(path.read_text())]


OBJECTS = _objects()


def _places(value: Any, place: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    if not isinstance(value, dict | list):
        return [place]
    keys = value.items() if isinstance(value, dict) else enumerate(value)
    return [place, *(found for key, inner in keys for found in _places(inner, (*place, key)))]


def _broken(value: Any, place: tuple[Any, ...], junk: Any) -> Any:
    made = copy.deepcopy(value)
    if not place:
        return made
    holder = made
    for key in place[:-1]:
        holder = holder[key]
    holder[place[-1]] = junk
    return made


def _collected(values: list[Any]) -> Collected:
    found = Collected()
    for number, value in enumerate(values):
        text = SourceText(f"{number}.yaml", 0, 1, yaml.safe_dump(value))
        if isinstance(value, dict) and isinstance(value.get("kind"), str):
            found.manifests.append(Manifest(value, text))
        else:
            found.documents.append(PlainDocument(value, text))
    return found


@given(st.data())
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_facts_never_raise(data):
    values = []
    for value in OBJECTS:
        places = _places(value)
        chosen = data.draw(st.sampled_from(places))
        values.append(_broken(value, chosen, data.draw(JUNK)))
    facts = LAYER.facts(build(_collected(values)), REQUEST)
    assert facts.presence in ("present", "absent", "unknown")
    LAYER.coverage(facts)
    assert LAYER.compare(facts, facts).weaker == ()
