# SPDX-License-Identifier: Apache-2.0
"""Which random selectors in Calico's language do we ask its parser about, with which labels?

Most are well formed; the rest have a character taken out, doubled or changed, or odd spaces.
"""

from __future__ import annotations

from collections.abc import Iterator
from random import Random
from typing import Any

_KEYS = ("app", "a/b.c", "in", "has", "x_1")
_VALUES = ("web", "db", "", "we", "b", "a'b", "x y", "1")
_OPERATORS = ("==", "!=", "in", "not in", "contains", "starts with", "ends with")
_SPACES = ("", " ", "  ", "\t")
_NOISE = "'\"(){}!=&|, ah\u00e9\n"
_LABEL_SETS = 6


def questions(seed: int, count: int) -> Iterator[dict[str, Any]]:
    """Selectors with label sets."""
    rng = Random(seed)
    for _ in range(count):
        text = _expression(rng, rng.randint(0, 3))
        if rng.random() < 0.3:
            text = _spoilt(rng, text)
        yield {"selector": text, "labels": [_labels(rng) for _ in range(_LABEL_SETS)]}


def _labels(rng: Random) -> dict[str, str]:
    return {key: rng.choice(_VALUES) for key in rng.sample(_KEYS, rng.randint(0, 4))}


def _expression(rng: Random, depth: int) -> str:
    if depth == 0:
        return _leaf(rng)
    space = rng.choice(_SPACES)
    parts = [_expression(rng, depth - 1) for _ in range(rng.randint(1, 3))]
    joined = f"{space}{rng.choice(('&&', '||'))}{space}".join(parts)
    if rng.random() < 0.5:
        joined = f"({space}{joined}{space})"
    return "!" * rng.choice((0, 0, 0, 1, 2)) + joined


def _leaf(rng: Random) -> str:
    space, key = rng.choice(_SPACES), rng.choice(_KEYS)
    kind = rng.random()
    if kind < 0.15:
        return f"has({space}{key}{space})"
    if kind < 0.22:
        return rng.choice(("all()", "all( )", "global()", "all"))
    operator = rng.choice(_OPERATORS)
    gap = rng.choice((" ", "\t", "  ")) if rng.random() < 0.95 else ""
    if operator.endswith("in"):
        values = [_text(rng) for _ in range(rng.randint(0, 3))]
        end = rng.choice(("", "", ",")) if values or rng.random() < 0.1 else ""
        body = "{" + space + f"{space},{space}".join(values) + end + "}"
        word = rng.choice(("not in", "not  in", "notin")) if "not" in operator else "in"
        return f"{key}{gap}{word}{space}{body}"
    word = operator.replace(" ", rng.choice((" ", "", "\t")))
    return f"{key}{gap}{word}{space}{_text(rng)}"


def _text(rng: Random) -> str:
    quote = rng.choice("'\"")
    return quote + rng.choice(_VALUES) + quote


def _spoilt(rng: Random, text: str) -> str:
    place = rng.randint(0, len(text))
    kind = rng.randrange(3)
    if kind == 0:
        return text[:place] + text[place + 1 :]
    if kind == 1:
        return text[:place] + rng.choice(_NOISE) + text[place:]
    return text[:place] + rng.choice(_NOISE) + text[place + 1 :]
