# SPDX-License-Identifier: Apache-2.0
"""What does a Falco condition mean, or where does the engine stop reading it?

Authority: the grammar in falcosecurity/libs userspace/libsinsp/filter/parser.h and its
implementation parser.cpp (0.25.4); held against the recorded answers of that parser.
"""

from __future__ import annotations

from functools import lru_cache

from kguard.layers.runtime.semantics.expressions import (
    And,
    Check,
    Expression,
    Field,
    ListValue,
    Macro,
    Not,
    Operand,
    Or,
    Transform,
    TransformList,
    Value,
)
from kguard.layers.runtime.semantics.lexer import (
    BARE_ARGUMENT,
    BARE_STRING,
    FIELD_NAME,
    IDENTIFIER,
    LIST_OPERATORS,
    NOT_BLANK,
    NUMBER_OPERATORS,
    OPERATORS,
    SYMBOL_OPERATORS,
    TRANSFORMERS,
    UNARY_OPERATORS,
    ConditionError,
    Lexer,
)

MAX_NESTING = 100
"""Parentheses and transformers inside one another; the engine's own limit lies above that."""

_TRANSFORMERS = ", ".join(f"'{name}'" for name in ("val", *TRANSFORMERS))
_OR_TRANSFORMED = f"or a field with a valid transformer: {_TRANSFORMERS}"
_OPERATORS = ", ".join(f"'{name}'" for name in OPERATORS)


REMEMBERED = 8192
"""Conditions that are kept parsed: a ruleset is loaded several times with few changes."""
_LONGEST_REMEMBERED = 8192


def parse(text: str, *, has_modifiers: bool = True) -> Expression:
    """Parse a condition whose lists are already written out.

    Args:
        text: the condition.
        has_modifiers: whether the engine knows `oneof` and the like.

    Raises:
        ConditionError: with the engine's message and the place where it stopped.
    """
    read = _parsed_once if len(text) <= _LONGEST_REMEMBERED else _parsed
    return read(text, has_modifiers)


def _parsed(text: str, has_modifiers: bool) -> Expression:  # noqa: FBT001
    parser = _Parser(text, has_modifiers=has_modifiers)
    if not text:
        raise parser.lexer.error("filter input string is empty")
    found = parser.disjunction()
    if not parser.lexer.at_end:
        last = parser.lexer.last
        raise parser.lexer.error(f"unexpected token after '{last}', expecting 'or', 'and'")
    return found


_parsed_once = lru_cache(REMEMBERED)(_parsed)


class _Parser:
    def __init__(self, text: str, *, has_modifiers: bool) -> None:
        self.lexer = Lexer(text)
        self.has_modifiers = has_modifiers
        self.depth = 0

    def deeper(self) -> None:
        self.depth += 1
        if self.depth > MAX_NESTING:
            raise self.lexer.error(f"exceeded max depth limit of {MAX_NESTING}")

    def disjunction(self) -> Expression:
        self.deeper()
        children = [self.conjunction()]
        self.lexer.blank()
        while self.lexer.literal("or"):
            children.append(self.conjunction() if self.joined("or") else self.embedded())
            self.lexer.blank()
        self.depth -= 1
        return Or(tuple(children)) if len(children) > 1 else children[0]

    def conjunction(self) -> Expression:
        self.lexer.blank()
        children = [self.negation()]
        self.lexer.blank()
        while self.lexer.literal("and"):
            children.append(self.negation() if self.joined("and") else self.embedded())
            self.lexer.blank()
        return And(tuple(children)) if len(children) > 1 else children[0]

    def joined(self, word: str) -> bool:
        """Whether a blank follows `and`/`or`; otherwise its parenthesis is read."""
        if self.lexer.blank():
            return True
        if not self.lexer.literal("("):
            raise self.lexer.error(f"expected blank or '(' after '{word}'")
        return False

    def negation(self) -> Expression:
        self.lexer.blank()
        negated = False
        while self.lexer.pattern(NOT_BLANK):
            negated = not negated
        if self.lexer.literal("not("):
            negated = not negated
            child = self.embedded()
        else:
            child = self.primary()
        return Not(child) if negated else child

    def embedded(self) -> Expression:
        """The rest of a parenthesised condition."""
        child = self.disjunction()
        self.lexer.blank()
        if not self.lexer.literal(")"):
            raise self.lexer.error("expected a ')' token")
        return child

    def primary(self) -> Expression:
        lexer = self.lexer
        lexer.blank()
        start = lexer.at
        if lexer.literal("("):
            return self.embedded()
        if lexer.pattern(FIELD_NAME):
            return self.check(self.field(lexer.last), start)
        if name := lexer.transformer():
            return self.check(self.transform(name), start)
        if lexer.pattern(IDENTIFIER):
            return Macro(lexer.last, start)
        raise lexer.error("expected a '(' token, a field check, or an identifier")

    def field(self, name: str) -> Field:
        lexer = self.lexer
        if not lexer.literal("["):
            return Field(name)
        if not lexer.quoted() and not lexer.pattern(BARE_ARGUMENT):
            raise lexer.error("expected a valid field argument: a quoted string or a bare string")
        arg = lexer.last
        if not lexer.literal("]"):
            raise lexer.error("expected a ']' token")
        return Field(name, arg)

    def transform(self, name: str) -> Transform:
        """The rest of a transformer after its parenthesis."""
        self.deeper()
        args = [self.transform_argument()]
        self.lexer.blank()
        while self.lexer.literal(","):
            args.append(self.transform_argument())
            self.lexer.blank()
        self.close_transform()
        self.depth -= 1
        return Transform(name, tuple(args))

    def close_transform(self) -> None:
        self.lexer.blank()
        if not self.lexer.literal(")"):
            raise self.lexer.error("expected a ')' token closing the transformer")

    def transform_argument(self) -> Operand | TransformList:
        self.lexer.blank()
        found = self.operand()
        if found is not None:
            return found
        if self.lexer.literal("("):
            return self.transform_list()
        raise self.lexer.error(
            "expected field transformer argument: "
            "field, transformer, quoted string, number, or transformer list"
        )

    def transform_list(self) -> TransformList:
        lexer = self.lexer
        lexer.blank()
        if lexer.literal(")"):
            return TransformList(())
        items = [self.transform_item()]
        lexer.blank()
        while lexer.literal(","):
            lexer.blank()
            items.append(self.transform_item())
            lexer.blank()
        if not lexer.literal(")"):
            raise lexer.error("expected ')'")
        return TransformList(tuple(items))

    def transform_item(self) -> Operand:
        found = self.operand()
        if found is None:
            raise self.lexer.error(
                "expected transformer list argument: field, transformer, quoted string, or number"
            )
        return found

    def operand(self) -> Operand | None:
        lexer = self.lexer
        if lexer.number() or lexer.quoted():
            return Value(lexer.last)
        if name := lexer.transformer():
            return self.transform(name)
        if lexer.pattern(FIELD_NAME):
            return self.field(lexer.last)
        return None

    def check(self, left: Field | Transform, start: int) -> Check:
        lexer = self.lexer
        lexer.blank()
        if lexer.any_of(UNARY_OPERATORS):
            return Check(left, lexer.last, None, start)
        if lexer.any_of(NUMBER_OPERATORS):
            return Check(left, lexer.last, self.number(), start)
        if lexer.any_of(SYMBOL_OPERATORS):
            op = lexer.last
            return self.string_check(left, op, start, spaced=lexer.blank())
        if lexer.word_operator():
            return self.string_check(left, lexer.last, start, spaced=True)
        if lexer.any_of(LIST_OPERATORS):
            return Check(left, lexer.last, self.list_value(), start)
        raise lexer.error(f"expected a valid check operator: one of {_OPERATORS}")

    def string_check(self, left: Field | Transform, op: str, start: int, *, spaced: bool) -> Check:
        if self.has_modifiers and spaced and self.lexer.modifier():
            return Check(left, f"{op} {self.lexer.last}", self.list_value(), start)
        return Check(left, op, self.string(), start)

    def number(self) -> Value | Transform | Field:
        found = self.transformed()
        if found is not None:
            return found
        if self.lexer.number():
            return Value(self.lexer.last)
        raise self.lexer.error(f"expected a number value {_OR_TRANSFORMED}")

    def string(self) -> Value | Transform | Field:
        found = self.transformed()
        if found is not None:
            return found
        if self.lexer.quoted() or self.lexer.pattern(BARE_STRING):
            return Value(self.lexer.last)
        raise self.lexer.error(f"expected a string value {_OR_TRANSFORMED}")

    def constant(self) -> str:
        self.lexer.blank()
        if self.lexer.quoted() or self.lexer.pattern(BARE_STRING):
            return self.lexer.last
        raise self.lexer.error("expected a string value")

    def list_value(self) -> Value | ListValue | Transform | Field:
        self.lexer.blank()
        if self.lexer.literal("("):
            return self.list_items()
        found = self.transformed()
        if found is not None:
            return found
        if self.lexer.pattern(IDENTIFIER):
            return Value(self.lexer.last)
        raise self.lexer.error(f"expected a list, an identifier, {_OR_TRANSFORMED}")

    def list_items(self) -> ListValue:
        items: list[str] = []
        try:
            items.append(self.constant())
        except ConditionError:
            pass  # the engine takes a head that it cannot read for an empty list
        else:
            self.lexer.blank()
            while self.lexer.literal(","):
                items.append(self.constant())
                self.lexer.blank()
        if not self.lexer.literal(")"):
            raise self.lexer.error("expected a ')' token")
        return ListValue(tuple(items))

    def transformed(self) -> Transform | None:
        """A right-hand side that reads the event: `val(field)` or a transformer."""
        lexer = self.lexer
        lexer.blank()
        if lexer.literal("val("):
            lexer.last = "val"
            lexer.blank()
            if not lexer.pattern(FIELD_NAME):
                raise lexer.error("expected a field within 'val' transformer")
            field = self.field(lexer.last)
            self.close_transform()
            return Transform("val", (field,))
        name = lexer.transformer()
        return self.transform(name) if name else None
