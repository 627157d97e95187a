# SPDX-License-Identifier: Apache-2.0
"""What is a condition on labels of any kind: of pods, of their namespaces, of service accounts?

The selectors of Calico and of Cilium are trees of such conditions. An expression can be asked about
one set of labels (`holds`); `endpoints.Classes` asks it about all classes at once. Authority for
the operators: projectcalico/calico libcalico-go/lib/selector/parser/ast.go; all of them are false
for a label that is absent, apart from `!=` and `not in`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Literal

import msgspec

from kguard.inventory.selectors import Selector

Source = Literal["pod", "namespace", "account"]
ACCOUNT_NAME = ""
"""The key under which the name of a service account is a label of its own."""

Operator = Literal["==", "!=", "in", "not in", "has", "contains", "starts with", "ends with"]


class Condition(msgspec.Struct, frozen=True):
    """One condition on one label; operators with one value have it in `values`."""

    source: Source
    key: str
    operator: Operator
    values: tuple[str, ...] = ()

    def accepts(self, value: str | None) -> bool:
        """Whether a value (None: the label is absent) satisfies the condition."""
        match self.operator:
            case "!=" | "not in":
                return value not in self.values
            case "has":
                return value is not None
            case "==" | "in":
                return value in self.values
            case "contains":
                return value is not None and self.values[0] in value
            case "starts with":
                return value is not None and value.startswith(self.values[0])
            case _:
                return value is not None and value.endswith(self.values[0])


class Constant(msgspec.Struct, frozen=True):
    """Everything or nothing."""

    value: bool


class Not(msgspec.Struct, frozen=True):
    """The opposite."""

    part: Expression


class And(msgspec.Struct, frozen=True):
    """All parts hold."""

    parts: tuple[Expression, ...]


class Or(msgspec.Struct, frozen=True):
    """At least one part holds."""

    parts: tuple[Expression, ...]


Expression = Condition | Constant | Not | And | Or
EVERYTHING = Constant(value=True)

Lookup = Callable[[Source, str], str | None]


def both(*parts: Expression) -> Expression:
    """All parts hold; those that are always true are left out."""
    kept = tuple(part for part in parts if part != EVERYTHING)
    return kept[0] if len(kept) == 1 else And(kept) if kept else EVERYTHING


def of_selector(selector: Selector, source: Source) -> Expression:
    """A label selector of Kubernetes on labels of a source."""
    return both(*(_requirement(r.key, r.operator, r.values, source) for r in selector.requirements))


def _requirement(key: str, operator: str, values: tuple[str, ...], source: Source) -> Expression:
    match operator:
        case "In":
            return Condition(source, key, "in", values)
        case "NotIn":
            return Condition(source, key, "not in", values)
        case "Exists":
            return Condition(source, key, "has")
        case _:
            return Not(Condition(source, key, "has"))


def holds(expression: Expression, lookup: Lookup) -> bool:
    """Whether an expression holds for labels that are all known."""
    match expression:
        case Condition():
            return expression.accepts(lookup(expression.source, expression.key))
        case Constant():
            return expression.value
        case Not():
            return not holds(expression.part, lookup)
        case And():
            return all(holds(part, lookup) for part in expression.parts)
        case Or():
            return any(holds(part, lookup) for part in expression.parts)


def conditions(expression: Expression) -> Iterator[Condition]:
    """The conditions in an expression."""
    match expression:
        case Condition():
            yield expression
        case Not():
            yield from conditions(expression.part)
        case And() | Or():
            for part in expression.parts:
                yield from conditions(part)
        case Constant():
            return
