# SPDX-License-Identifier: Apache-2.0
"""Is `dead` never said of a condition that some event of a small domain meets?"""

from __future__ import annotations

import itertools
import random

import pytest

from kguard.layers.runtime.semantics.parser import parse
from kguard.layers.runtime.semantics.satisfiability import satisfiable
from tests.unit.layers.runtime.test_satisfiability import (
    NAMES,
    NUMBERS,
    OPERATORS,
    TEXTS,
    evaluate,
)

CONDITIONS = 20_000
SEEDS = 10
EVENTS = [
    {"proc.name": name, "fd.num": number}
    for name, number in itertools.product((None, *NAMES, "abc", "zz"), (None, *NUMBERS, "5"))
]
_FORMS = (
    ("proc.name {} {}", OPERATORS, TEXTS),
    ("proc.name glob {}", ("a*", "*b", "*a*", "/a/*", "*", "a*b")),
    ("proc.name pmatch ({})", ("/a", "/a/b", "/a, /ab", "a")),
    ("proc.name startswith {} (a, /a)", ("oneof", "allof")),
    ("proc.name in ({})", ("", "a", "a, b", "ab", "/a/b, b")),
    ("fd.num {} {}", ("=", "<", "<=", ">", ">=", "!="), NUMBERS),
    ("{} exists", ("proc.name", "fd.num")),
)


def _atom(rng):
    form, *choices = rng.choice(_FORMS)
    return form.format(*(rng.choice(values) for values in choices))


def _condition(rng, depth):
    if depth == 0 or rng.random() < 0.2:
        return _atom(rng)
    one, other = _condition(rng, depth - 1), _condition(rng, depth - 1)
    return rng.choice((f"({one} and {other})", f"({one} or {other})", f"not ({one})"))


@pytest.mark.parametrize("seed", range(SEEDS))
def test_never_dead_where_some_event_meets_it(seed):
    rng = random.Random(seed)
    dead = 0
    for _ in range(CONDITIONS // SEEDS):
        text = _condition(rng, rng.choice((2, 3, 4)))
        condition = parse(text)
        if satisfiable(condition).verdict == "dead":
            dead += 1
            assert not any(evaluate(condition, event) for event in EVENTS), text
    assert dead > 50
