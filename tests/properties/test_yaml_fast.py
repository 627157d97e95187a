# SPDX-License-Identifier: Apache-2.0
"""Is the fast way of reading YAML the exact way, on every text?"""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kguard.sources.yaml import load
from kguard.sources.yaml.fast import Unsupported, load_block
from kguard.sources.yaml.fast_shapes import Shapes
from support.generators.manifest_bytes import JUNK, files


def same(data: bytes) -> bool:
    def plain(fast: bool) -> list[str]:
        keep = ("index", "line", "text", "value", "ambiguities", "message")
        found = load(data, fast=fast)
        return [repr([getattr(item, name, None) for name in keep]) for item in found]

    return plain(fast=True) == plain(fast=False)


def taken(data: bytes) -> bool:
    try:
        load_block(data.decode())
    except (Unsupported, UnicodeDecodeError):
        return False
    return True


@pytest.mark.parametrize("seed", range(4))
def test_on_random_files(seed: int) -> None:
    assert [data for data in files(seed + 100, 1_500) if not same(data)] == []


def _manifests(*folders: Path) -> list[bytes]:
    return [
        path.read_bytes()
        for folder in folders
        for path in sorted(folder.rglob("*.y*ml"))
        if path.stat().st_size < 50_000
    ]


def test_on_changed_manifests(checkout: Path) -> None:
    manifests = _manifests(checkout / "examples")
    chance = random.Random(5)
    assert manifests
    count = 0
    for data in manifests * 20:
        at = chance.randrange(len(data) + 1)
        changed = data[:at] + chance.choice(JUNK) + data[at + chance.randrange(3) :]
        assert same(changed), changed
        count += taken(changed)
    assert count > len(manifests)


def test_most_real_documents_are_read_fast(checkout: Path) -> None:
    chunks = [part for data in _manifests(checkout / "examples") for part in data.split(b"\n---\n")]
    assert sum(map(taken, chunks)) > 0.8 * len(chunks)


def test_on_real_manifests(shared: Path) -> None:
    for data in _manifests(shared / "corpus"):
        assert same(data)


ODD_VALUES = ["1", "1.0", "1e3", "~", "yes", "0x1F", "-0.0", ".inf", "2001-01-01", "1" * 20]
ODD_VALUES += ["'it''s'", '"q"', "{}", "|", "&a", "*x", "'", "?", "`", "@", "%", "\u00e9"]
ODD_VALUES += ["kguard-gap-0", "18446744073709551615"]
ODD_VALUES += ["[a, {b: c}]", "# c", "a b # c", "- a", "a: b", "!!str 1", "x" * 149, "x" * 151]


def alike(text: str, chance: random.Random) -> str:
    """The text with other values behind its colons and dashes."""
    lines = []
    for line in text.split("\n"):
        match = re.match(r"(.*?(?:: |- ))(\S.*)$", line)
        if match and chance.random() < 0.3:
            line = match[1] + chance.choice(ODD_VALUES)  # noqa: PLW2901
        lines.append(line)
    return "\n".join(lines)


def same_by_shape(text: str, others: list[str]) -> bool:
    """Whether a shape that was met twice is read as line by line, with whatever values."""
    shapes = Shapes()
    every = (text, text, text, *others)

    def read(each: str) -> object:
        return shapes.read(each).value

    return all(_outcome(read, each) == _outcome(load_block, each) for each in every)


def _outcome(read: Callable[[str], object], text: str) -> str:
    try:
        return repr(read(text))
    except Unsupported:
        return "unsupported"


def test_shapes_on_real_manifests(checkout: Path) -> None:
    chance = random.Random(7)
    for data in _manifests(checkout / "examples", checkout / "tests" / "cases"):
        for chunk in data.decode().split("\n---\n"):
            others = [alike(chunk, chance) for _ in range(6)]
            assert same_by_shape(chunk + "\n", others), chunk


@pytest.mark.parametrize("seed", range(2))
def test_shapes_on_random_files(seed: int) -> None:
    chance = random.Random(seed)
    for data in files(seed + 300, 800):
        text = data.decode(errors="replace")
        assert same_by_shape(text, [alike(text, chance) for _ in range(4)]), text


def test_a_shape_is_filled_and_not_read_again(monkeypatch: pytest.MonkeyPatch) -> None:
    shapes = Shapes()
    text = "kind: {}\nspec:\n- a: {}\n- b\n- c: {} # why\n"
    for number in range(2):
        shapes.read(text.format(number, "x", "z"))
    monkeypatch.setattr("kguard.sources.yaml.fast_shapes.read_lines", pytest.fail)
    expected = {"kind": "Pod", "spec": [{"a": [1]}, "b", {"c": "d e"}]}
    assert shapes.read(text.format("Pod", "[1]", "'d e'")).value == expected


def test_memory_of_shapes_is_bounded() -> None:
    shapes = Shapes()
    for number in range(10_000):
        for _ in range(1 + number % 20 // 19):
            shapes.read(f"k{number}: 1\n")
    assert len(shapes._templates) <= 512
    assert len(shapes._seen) <= 8_192


WORDS = st.sampled_from(
    [
        "a",
        "b: ",
        "- ",
        "  ",
        "\n",
        "\n  ",
        "\n    ",
        "key:",
        " #c",
        "'x'",
        '"y"',
        "[a, b]",
        "{k: v}",
        "|\n",
        ">-\n",
        "1",
        "no",
        "x y",
        ":",
        "#",
        "''",
        "\t",
        "---\n",
        "[]",
        "{}",
        ",",
        "\r\n",
        "é",
    ]
)


@settings(max_examples=1_500, deadline=None)
@given(st.lists(WORDS, max_size=14).map("".join))
def test_on_texts_of_fragments(text: str) -> None:
    assert same(text.encode())
    assert same_by_shape(text, [alike(text, random.Random(text)) for _ in range(3)])
