# SPDX-License-Identifier: Apache-2.0
"""Does anything fail where values nest as deep as the reader allows, in any field of the shop?"""

from __future__ import annotations

import copy
import json
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest
import yaml

from kguard.model.manifests import copied
from kguard.sources.yaml.render import flow

DEPTH = 499
"""Levels that the reader takes; one more is refused."""
NAMES = (("kind",), ("apiVersion",), ("metadata",), ("metadata", "name"))


def nested(levels: int, kind: str) -> str:
    """The JSON of a string inside so many mappings or sequences."""
    opening, closing = ('{"a":', "}") if kind == "mapping" else ("[", "]")
    return opening * levels + '"x"' + closing * levels


def places(value: object, path: tuple = ()) -> Iterator[tuple]:
    """Every path of a value; of a sequence only the first item."""
    yield path
    members: Iterable = value.items() if isinstance(value, dict) else ()
    if isinstance(value, list):
        members = enumerate(value[:1])
    for name, inner in members:
        yield from places(inner, (*path, name))


def variants(folder: Path) -> Iterator[str]:
    """Each object of a folder once for each of its fields, with a deep value in that field."""
    seen = set()
    for file in sorted(folder.rglob("*.yaml")):
        for found in yaml.safe_load_all(file.read_text()):
            for path in places(found) if "kind" in found else ():
                key = (found["kind"], *(p for p in path if isinstance(p, str)))
                if path and path not in NAMES and key not in seen:
                    seen.add(key)
                    kind = "mapping" if len(seen) % 2 else "sequence"
                    yield variant(found, path, f"n{len(seen)}", kind)


def variant(found: dict, path: tuple, name: str, kind: str) -> str:
    changed = copy.deepcopy(found)
    changed.setdefault("metadata", {})["name"] = name
    holder = changed
    for token in path[:-1]:
        holder = holder[token]
    holder[path[-1]] = "DEEP"
    return json.dumps(changed).replace('"DEEP"', nested(DEPTH - len(path), kind))


@pytest.fixture(scope="module")
def deep(tmp_path_factory, checkout) -> Path:
    folder = tmp_path_factory.mktemp("deep")
    texts = list(variants(checkout / "examples" / "shop"))
    assert len(texts) > 300
    for number, text in enumerate(texts):
        (folder / f"{number}.json").write_text(text)
    return folder


ALL = "-o terminal -o json={out}.json -o html={out}.html -o sarif={out}.sarif -o junit={out}.xml"


@pytest.mark.parametrize(
    "words",
    [
        f"scan {{deep}} -o markdown={{out}}.md {ALL}",
        "manifests {deep}",
        "diff {shop} {deep} -o json",
        "network diff {deep} {shop} -o json",
    ],
)
def test_no_command_fails(words, deep, tmp_path, kguard, checkout):
    shop = checkout / "examples" / "shop"
    done = kguard(*words.format(deep=deep, shop=shop, out=tmp_path / "out").split())
    assert done.returncode in (0, 1), done.stderr


def test_remedies_are_found_beside_deep_values(deep, tmp_path, kguard):
    """The objects that remedies change hold the deep values: they are copied and read again."""
    for layer in ("network", "audit"):
        done = kguard("fix", deep, "--layer", layer, "--out", tmp_path, timeout=300)
        assert done.returncode in (0, 1), done.stderr


def test_what_nests_deeper_is_refused(tmp_path, kguard):
    text = json.dumps({"apiVersion": "v1", "kind": "ConfigMap", "data": "DEEP"})
    (tmp_path / "a.yaml").write_text(text.replace('"DEEP"', nested(DEPTH + 9, "mapping")))
    done = kguard("manifests", tmp_path)
    assert done.returncode == 3
    assert "deeper than 500 levels" in done.stdout


def test_copies_and_texts_of_deep_values():
    value = json.loads(nested(DEPTH, "mapping"))
    again = copied(value)
    assert flow(again, as_json=True) == flow(value, as_json=True)
    again["a"] = 1
    assert value["a"] != 1
