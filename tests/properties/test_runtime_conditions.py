# SPDX-License-Identifier: Apache-2.0
"""Is every text either a condition or refused at a place inside of it, whatever the white space?"""

from __future__ import annotations

import random

import pytest

from kguard.layers.runtime.semantics.expressions import as_text
from kguard.layers.runtime.semantics.lexer import ConditionError
from kguard.layers.runtime.semantics.parser import parse

TEXTS = 140_000
SEEDS = 14
_PLAIN = """
    and or not exists in intersects pmatch = != < >= contains startswith glob regex oneof anyof
    allof ( ) , ' [ ] evt.type
    proc.name fd.sip proc.aname[2] ka.req.x execve 0 -1 0x1f 3.5 10.0.0.0/8
    macro_name tolower( toupper(proc.name) val(proc.name)
"""
_WORDS = (*_PLAIN.split(), '"', "a b", "'a b'", '"x"', "\\", "é", "\t", "\n")
_SPACES = (" ", "  ", "\t", "\n", " \r\n ")


def _texts(seed):
    rng = random.Random(seed)
    for _ in range(TEXTS // SEEDS):
        yield [rng.choice(_WORDS) for _ in range(rng.randint(1, 14))]


def _outcome(text):
    try:
        return as_text(parse(text))
    except ConditionError as error:
        return error


def _inside(text, error):
    lines = text.split("\n")
    index, line, column = error.position
    return 0 <= index <= len(text.encode()) and 1 <= line <= len(lines) and column >= 1


@pytest.mark.parametrize("seed", range(SEEDS))
def test_a_verdict_with_a_place_and_the_same_tree(seed):
    rng = random.Random(seed)
    accepted = 0
    for words in _texts(seed):
        text = " ".join(words)
        found = _outcome(text)
        if isinstance(found, ConditionError):
            assert found.message
            assert _inside(text, found), (text, found.position)
            continue
        accepted += 1
        if not any(quote in text for quote in "'\"\\\t\n"):
            spaced = rng.choice(_SPACES).join(words)
            assert _outcome(f" {spaced}") == found, text
    assert accepted > 20
