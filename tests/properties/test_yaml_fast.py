# SPDX-License-Identifier: Apache-2.0
"""Is the fast way of reading YAML the exact way, on every text?"""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kguard.sources.yaml import load
from kguard.sources.yaml.fast import Unsupported, load_block
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
