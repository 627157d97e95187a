# SPDX-License-Identifier: Apache-2.0
"""Which values of one field satisfy several comparisons at once, if any?

Authority: the comparisons of falcosecurity/libs userspace/libsinsp/filter_compare.cpp. A field that
an event does not have makes every comparison false, `!=` too (sinsp_filtercheck.cpp,
`compare_nocache`), so a negated comparison also holds where the field is missing.
"""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Callable
from typing import Any

from kguard.layers.runtime.semantics.expressions import Check, Field, ListValue, Value
from kguard.layers.runtime.semantics.fields import event_types, field_table
from kguard.layers.runtime.semantics.pieces import PIECES, Pieces

_NUMERIC = frozenset({"int", "uint", "double"})
_MULTIPLE = frozenset(
    {"fd.ip", "fd.port", "fd.net", "fd.cnet", "fd.snet", "fd.lnet", "fd.rnet", "fd.proto"}
)
"""Fields that stand for several values: a comparison holds when it holds for one of them."""
_ANCESTORS = re.compile(r"proc\.(?:aname|aexe|aexepath|acmdline|apid|aenv|env)")

_OPPOSITES = {"<": ">=", "<=": ">", ">": "<=", ">=": "<"}

Number = int | float
Test = Callable[[str], bool]


def subject(check: Check) -> str | None:
    """The name of the one value that a comparison is about; None where there may be several."""
    left = check.left
    if not isinstance(left, Field):
        return None
    kind = field_table().get(left.name)
    if kind is not None and (kind.is_list or kind.name in _MULTIPLE):
        return None
    if left.arg is None and _ANCESTORS.fullmatch(left.name):
        return None
    return left.name if left.arg is None else f"{left.name}[{left.arg}]"


def is_numeric(check: Check) -> bool:
    """Whether a comparison is one of numbers."""
    kind = field_table().get(check.left.name) if isinstance(check.left, Field) else None
    return kind is not None and kind.type in _NUMERIC


def test_of(check: Check) -> Test | None:
    """The comparison as a function of the value's text; None where it cannot be computed."""
    match check.right:
        case Value(text):
            return _test(check.op, (text,), numeric=is_numeric(check))
        case ListValue(items):
            return _test(check.op, items, numeric=is_numeric(check))
        case _:
            return None


def _test(op: str, values: tuple[str, ...], *, numeric: bool) -> Test | None:
    base, _, modifier = op.partition(" ")
    if modifier:
        single = [_test(base, (value,), numeric=numeric) for value in values]
        tests = [test for test in single if test is not None]
        if len(tests) != len(single) or base == "!=":
            return None
        return _all(tests) if modifier == "allof" else _any(tests)
    if base == "in":
        return _any([_equal(value, numeric=numeric) for value in values])
    return _of_one(base, values[0], numeric=numeric) if len(values) == 1 else None


def _of_one(op: str, value: str, *, numeric: bool) -> Test | None:
    if op in ("=", "=="):
        return _equal(value, numeric=numeric)
    if op == "!=":
        equal = _equal(value, numeric=numeric)
        return lambda text: not equal(text)
    if op in ("<", "<=", ">", ">="):
        return _ordered(op, value)
    return _textual(op, value)


def _textual(op: str, value: str) -> Test | None:
    low = value.lower()
    tests: dict[str, Test] = {
        "startswith": lambda text: text.startswith(value),
        "endswith": lambda text: text.endswith(value),
        "contains": lambda text: value in text,
        "icontains": lambda text: low in text.lower(),
        "glob": lambda text: fnmatch.fnmatchcase(text, value),
        "iglob": lambda text: fnmatch.fnmatchcase(text.lower(), low),
    }
    return tests.get(op)


def _any(tests: list[Test]) -> Test:
    return lambda text: any(test(text) for test in tests)


def _all(tests: list[Test]) -> Test:
    return lambda text: all(test(text) for test in tests)


def _equal(value: str, *, numeric: bool) -> Test:
    wanted = number(value) if numeric else None
    if wanted is None:
        return lambda text: text == value
    return lambda text: number(text) == wanted


def _ordered(op: str, value: str) -> Test | None:
    limit = number(value)
    if limit is None:
        return None
    compare: dict[str, Callable[[Number, Number], bool]] = {
        "<": lambda a, b: a < b,
        "<=": lambda a, b: a <= b,
        ">": lambda a, b: a > b,
        ">=": lambda a, b: a >= b,
    }

    def test(text: str) -> bool:
        have = number(text)
        return have is not None and compare[op](have, limit)

    return test


def number(text: str) -> Number | None:
    """The number that a constant spells."""
    try:
        return int(text, 0)
    except ValueError:
        pass
    try:
        return float(text)
    except ValueError:
        return None


def holds_wherever_it_exists(check: Check) -> bool:
    """Whether a comparison says no more than that the field exists."""
    if check.op == "exists":
        return True
    if not isinstance(check.right, Value):
        return False
    text = check.right.text
    if check.op in ("glob", "iglob"):
        return text != "" and set(text) == {"*"}
    return text == "" and check.op in ("startswith", "endswith", "contains", "icontains")


class Domain:
    """The values that one field may still have, given what is known of it."""

    __slots__ = ("allowed", "barred", "bounds", "exists", "pieces", "tests")

    def __init__(self) -> None:
        self.exists: bool | None = None
        self.allowed: frozenset[str] | None = None
        self.tests: list[tuple[Test, bool]] = []
        self.pieces = Pieces()
        self.barred: list[tuple[str, str]] = []
        """Operators with a text that the value must not begin with, end with, contain ..."""
        self.bounds: list[tuple[str, Number]] = []

    def copy(self) -> Domain:
        """A domain that can be narrowed on its own."""
        other = Domain()
        other.exists, other.allowed = self.exists, self.allowed
        other.tests, other.pieces = list(self.tests), self.pieces
        other.barred, other.bounds = list(self.barred), list(self.bounds)
        return other

    def require(self, check: Check) -> bool:
        """The comparison must hold. Returns whether a value is left."""
        if self.exists is False:
            return False
        self.exists = True
        if holds_wherever_it_exists(check):
            return self._possible()
        self._narrow(check)
        test = test_of(check)
        if test is not None:
            self.tests.append((test, True))
        return self._possible()

    def forbid(self, check: Check) -> bool:
        """The comparison must not hold, or the field be missing."""
        if holds_wherever_it_exists(check):
            if self.exists:
                return False
            self.exists = False
            return True
        test = test_of(check)
        if test is not None:
            self.tests.append((test, False))
        self._bar(check)
        if check.op in _OPPOSITES and isinstance(check.right, Value):
            self._bound(_OPPOSITES[check.op], number(check.right.text))
        return self.exists is not True or self._possible()

    def _narrow(self, check: Check) -> None:
        base, _, modifier = check.op.partition(" ")
        if base in ("=", "==", "in") and modifier != "allof":
            self._allow(check)
        elif base in PIECES and isinstance(check.right, Value):
            self.pieces = self.pieces.having(base, check.right.text)
        elif base in ("<", "<=", ">", ">=") and isinstance(check.right, Value):
            self._bound(base, number(check.right.text))

    def _bar(self, check: Check) -> None:
        base, _, modifier = check.op.partition(" ")
        if modifier == "allof":
            return
        match check.right:
            case Value(text):
                self.barred.append((base, text))
            case ListValue(items):
                self.barred += [(base, item) for item in items]
            case _:
                pass

    def _allow(self, check: Check) -> None:
        match check.right:
            case Value(text):
                values = frozenset({text})
            case ListValue(items):
                values = frozenset(items)
            case _:
                return
        if is_numeric(check):
            values = frozenset(str(number(value)) for value in values)
        self.allowed = values if self.allowed is None else self.allowed & values

    def _bound(self, op: str, limit: Number | None) -> None:
        if limit is not None:
            self.bounds.append((op, limit))

    def _possible(self) -> bool:
        if self.allowed is not None:
            return any(self._passes(value) for value in self.allowed)
        return self._has_room() and self.pieces.possible(self.barred)

    def _has_room(self) -> bool:
        """Whether a number lies between the bounds."""
        low = max(((limit, op == ">") for op, limit in self.bounds if op[0] == ">"), default=None)
        high = min(((limit, op == "<=") for op, limit in self.bounds if op[0] == "<"), default=None)
        if low is None or high is None:
            return True
        return low[0] < high[0] or (low[0] == high[0] and not low[1] and high[1])

    def _passes(self, value: str) -> bool:
        return all(test(value) is wanted for test, wanted in self.tests)


def initial_domains() -> dict[str, Domain]:
    """What is true of fields in every event."""
    numbers = Domain()
    numbers.exists, numbers.bounds = True, [(">=", 1)]
    numbers.tests.append((_at_least_one, True))
    direction = Domain()
    direction.allowed = frozenset({"<"})
    types = Domain()
    types.allowed = event_types()
    time = Domain()
    time.tests.append((lambda text: text == "0", False))
    return {
        "evt.num": numbers,
        "evt.dir": direction,
        "evt.type": types,
        "jevt.rawtime": time,
        "json.rawtime": time.copy(),
    }


def _at_least_one(text: str) -> bool:
    have: Any = number(text)
    return have is not None and have >= 1
