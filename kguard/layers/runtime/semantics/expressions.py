# SPDX-License-Identifier: Apache-2.0
"""What does a Falco condition consist of, and how does the engine print it?

Authority: falcosecurity/libs userspace/libsinsp/filter/ast.cpp (`string_visitor`) and
escaping.cpp. The text is for people and for comparison: it cannot always be parsed again.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

_ESCAPES = {"\b": "\\b", "\f": "\\f", "\n": "\\n", "\r": "\\r", "\t": "\\t", "\\": "\\\\"}
_ESCAPES['"'] = '\\"'
_QUOTED = frozenset({*_ESCAPES, " ", "'", "="})


class Value(msgspec.Struct, frozen=True):
    """A constant as written, without its quotes."""

    text: str


class ListValue(msgspec.Struct, frozen=True):
    """A list of constants."""

    items: tuple[str, ...]


class Field(msgspec.Struct, frozen=True):
    """A field of the event, with the argument in brackets if there is one."""

    name: str
    arg: str | None = None


class Transform(msgspec.Struct, frozen=True):
    """A transformer applied to fields, constants and lists of these."""

    name: str
    args: tuple[Operand | TransformList, ...]


class TransformList(msgspec.Struct, frozen=True):
    """A parenthesised list of arguments of a transformer."""

    items: tuple[Operand, ...]


Operand = Field | Transform | Value


class Check(msgspec.Struct, frozen=True):
    """A comparison; `right` is None for `exists`."""

    left: Field | Transform
    op: str
    right: Value | ListValue | Field | Transform | None
    pos: int = 0


class Macro(msgspec.Struct, frozen=True):
    """The name of a macro that stands for its condition."""

    name: str
    pos: int = 0


class Not(msgspec.Struct, frozen=True):
    """Negation."""

    child: Expression


class And(msgspec.Struct, frozen=True):
    """Conjunction of two or more."""

    children: tuple[Expression, ...]


class Or(msgspec.Struct, frozen=True):
    """Disjunction of two or more."""

    children: tuple[Expression, ...]


Expression = And | Or | Not | Check | Macro


def as_text(expression: Expression) -> str:
    """The condition as the engine prints it (`condition_compiled`)."""
    return "".join(_pieces(expression))


def _pieces(expression: Expression) -> Iterator[str]:
    match expression:
        case And(children) | Or(children):
            word = " and " if isinstance(expression, And) else " or "
            yield "("
            for index, child in enumerate(children):
                if index:
                    yield word
                yield from _pieces(child)
            yield ")"
        case Not(child):
            yield "not "
            yield from _pieces(child)
        case Macro(name):
            yield name
        case Check():
            yield check_text(expression)


def check_text(check: Check) -> str:
    """One comparison as the engine prints it."""
    text = f"{operand_text(check.left)} {check.op}"
    match check.right:
        case None:
            return text
        case Value(constant):
            return f"{text} {escape(constant)}"
        case ListValue(items):
            return f"{text} ({', '.join(escape(item) for item in items)})"
        case right:
            return f"{text} {operand_text(right)}"


def operand_text(operand: Operand | TransformList) -> str:
    """A field, transformer, or an argument of a transformer."""
    match operand:
        case Field(name, arg):
            return name if arg is None else f"{name}[{escape(arg) or chr(34) * 2}]"
        case Value(text):
            return text
        case TransformList(items):
            return f"({','.join(operand_text(item) for item in items)})"
        case Transform(name, args):
            return f"{name}({','.join(operand_text(arg) for arg in args)})"


def escape(text: str) -> str:
    """A constant, in double quotes where it holds blanks, quotes or backslashes."""
    if _QUOTED.isdisjoint(text):
        return text
    return '"' + "".join(_ESCAPES.get(char, char) for char in text) + '"'


def checks(expression: Expression) -> Iterator[Check]:
    """Every comparison of a condition, from left to right."""
    pending: list[Expression] = [expression]
    while pending:
        node = pending.pop()
        match node:
            case And(children) | Or(children):
                pending.extend(reversed(children))
            case Not(child):
                pending.append(child)
            case Check():
                yield node
            case Macro():
                pass


def conjuncts(expression: Expression) -> Iterator[Expression]:
    """The parts that must all hold, from left to right."""
    if isinstance(expression, And):
        for child in expression.children:
            yield from conjuncts(child)
    else:
        yield expression


def fields_of(operand: Operand | TransformList | ListValue | None) -> Iterator[Field]:
    """Every field that an operand reads."""
    match operand:
        case Field():
            yield operand
        case Transform(_, args):
            for arg in args:
                yield from fields_of(arg)
        case TransformList(items):
            for item in items:
                yield from fields_of(item)
        case _:
            pass
