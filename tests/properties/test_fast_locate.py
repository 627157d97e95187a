# SPDX-License-Identifier: Apache-2.0
"""Do the quick and the exact way find every value at the same place?"""

from __future__ import annotations

import random
import re
from pathlib import Path

import pytest

from kguard.model.locations import escape_pointer
from kguard.sources.yaml import Document, load, locate
from kguard.sources.yaml.fast_alike import locate_alike
from kguard.sources.yaml.fast_locate import locate_block
from kguard.sources.yaml.fast_shapes import UNKNOWN_SHAPE

ROOT = Path(__file__).resolve().parents[2]

ODD = """# before
kind: Pod   # a comment
"quoted key": 'it''s'
metadata:
  # inside
  labels:

    app: web  # why
  empty: ""
spec:
- a: 1
  b:
  - c
  -   d: x y # z
      e: |
        - not: this
        # nor this
      f: last
# after
- - 1
  - 2
tail: end
"""


def pointers(value, place=""):
    yield place
    if isinstance(value, dict):
        for key, child in value.items():
            yield from pointers(child, f"{place}/{escape_pointer(key)}")
    elif isinstance(value, list):
        for index, child in enumerate(value):
            yield from pointers(child, f"{place}/{index}")


def differences(data, most=1_000):
    """Pointers of the documents of some bytes, and those that are found in two places."""
    seen, found = 0, []
    for document in load(data):
        if not isinstance(document, Document) or not document.block:
            continue
        everything = list(pointers(document.value))
        for pointer in everything[:: 1 + len(everything) // most]:
            quick = locate_block(document.text, document.line, pointer)
            if quick is not None:
                seen += 1
                exact = locate(document.text, document.line, pointer)
                if quick != exact:
                    found.append((pointer, quick, exact))
    return seen, found


def test_odd_spellings():
    seen, found = differences(ODD.encode())
    assert found == []
    assert seen > 15


VALUES = ("x", "x  # why", "'it''s'", '"a: b"', "[1, {a: 2}]", "{}", "a/b:8080", "7", "''", "x ")


def filled(text, chance):
    """The text with other values behind its keys."""
    return re.sub(r": [^ \n][^\n]*", lambda _: f": {chance.choice(VALUES)}", text)


def alike_differences(text, chance):
    """Places in texts of one shape that are found elsewhere without the shape, and their number."""
    seen, found = 0, []
    texts = [text] * 2 + [filled(text, chance) for _ in range(6)]
    for document in load("\n---\n".join(texts).encode()):
        if not isinstance(document, Document) or document.shape == UNKNOWN_SHAPE:
            continue
        for pointer in pointers(document.value):
            quick = locate_alike(document.text, document.line, pointer, document.shape)
            seen += 1
            if quick != locate_block(document.text, document.line, pointer):
                found.append((document.text, pointer, quick))
    return seen, found


def test_texts_of_one_shape(checkout):
    chance, total = random.Random(1), 0
    for path in sorted((checkout / "examples").rglob("*.yaml")):
        for chunk in path.read_text().split("\n---\n"):
            seen, found = alike_differences(chunk, chance)
            assert found == []
            total += seen
    assert total > 5_000


def test_missing_pointers_are_left_to_the_exact_way():
    assert locate_block(ODD, 1, "/metadata/nothing") is None
    assert locate_block(ODD, 1, "/spec/7") is None
    assert locate(ODD, 1, "/metadata/nothing", block=True).pointer == "/metadata"


def test_long_dumps():
    items = "".join(
        f"- kind: Pod\n  metadata:\n    name: p{number}\n    # why\n\n" for number in range(900)
    )
    seen, found = differences(f"apiVersion: v1\nitems:\n{items}kind: List\n".encode(), most=9_000)
    assert found == []
    assert seen > 3_000


def test_what_only_looks_like_a_key():
    text = "a:\n  b:\n    c: |\n      d: 1\n    # d: 2\n    'e': 3\n  f: 4\nd: 5\n'# d': 6\n"
    assert [locate_block(text, 1, place) for place in ("/a/b/d", "/a/b/# d", "/a/c", "/f")] == [
        None
    ] * 4
    assert locate_block(text, 1, "/d").value.line == 8
    assert locate_block(text, 1, "/# d").value.line == 9
    assert locate_block(text, 1, "/a/b/e").value.line == 6


@pytest.mark.parametrize(
    "path", sorted((ROOT / "examples").rglob("*.yaml")), ids=lambda path: path.name
)
def test_examples(path):
    _, found = differences(path.read_bytes())
    assert found == []


def test_corpus(shared):
    total = 0
    for path in sorted((shared / "corpus").rglob("*.yaml")):
        seen, found = differences(path.read_bytes(), most=12)
        assert (str(path), found) == (str(path), [])
        total += seen
    assert total > 2_000
