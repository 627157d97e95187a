# SPDX-License-Identifier: Apache-2.0
"""What do the macros of a condition stand for?

Authority: falcosecurity/falco userspace/engine/filter_macro_resolver.cpp: a macro sees only those
defined before it was last changed; a macro that leads back to itself is an error.
"""

from __future__ import annotations

import msgspec

from kguard.layers.runtime.semantics.expressions import And, Check, Expression, Macro, Not, Or

MAX_NODES = 20_000
"""Nodes of a condition with its macros written out; the engine has no limit but memory."""
MAX_DEPTH = 400
"""Levels of a condition with its macros written out."""


class MacroError(Exception):
    """A macro cannot be resolved; `pos` is its place in the condition."""

    def __init__(self, message: str, pos: int, *, beyond_limit: bool = False) -> None:
        super().__init__(message)
        self.message = message
        self.pos = pos
        self.beyond_limit = beyond_limit


class _Entry(msgspec.Struct):
    index: int
    condition: Expression
    resolved: bool = False


class MacroTable:
    """The macros of a ruleset, resolved in the order of their first definition."""

    def __init__(self) -> None:
        self.used: set[str] = set()
        self._entries: dict[str, _Entry] = {}
        self._sizes: dict[int, tuple[int, int]] = {}
        self._alive: list[Expression] = []

    def add(self, name: str, index: int, condition: Expression) -> None:
        """Add a macro whose condition is parsed."""
        self._entries[name] = _Entry(index, condition)

    def condition(self, name: str) -> Expression | None:
        """What a macro stands for."""
        entry = self._entries.get(name)
        return entry.condition if entry else None

    def resolve(self, name: str, visibility: int) -> None:
        """Write out the macros inside a macro.

        Raises:
            MacroError: one does not exist there, or leads back to itself.
        """
        entry = self._entries[name]
        entry.condition = self._walk(entry.condition, visibility, ())
        entry.resolved = True

    def expand(self, condition: Expression) -> Expression:
        """Write out the macros of a rule's condition, which sees all of them.

        Raises:
            MacroError: one does not exist, or the condition grows beyond a limit.
        """
        return self._walk(condition, None, ())

    def _walk(
        self, node: Expression, visibility: int | None, inside: tuple[str, ...]
    ) -> Expression:
        match node:
            case Check():
                return node
            case Not(child):
                inner = self._walk(child, visibility, inside)
                return self._measured(Not(inner), (inner,))
            case And(children) | Or(children):
                walked = tuple(self._walk(child, visibility, inside) for child in children)
                return self._measured(type(node)(walked), walked)
            case Macro():
                return self._macro(node, visibility, inside)

    def _macro(self, node: Macro, visibility: int | None, inside: tuple[str, ...]) -> Expression:
        if node.name in inside:
            raise MacroError(f"reference loop in macro '{node.name}'", node.pos)
        entry = self._entries.get(node.name)
        if entry is None or (visibility is not None and entry.index >= visibility):
            raise MacroError(f"Undefined macro '{node.name}' used in filter.", node.pos)
        self.used.add(node.name)
        if entry.resolved:
            return entry.condition
        return self._walk(entry.condition, visibility, (*inside, node.name))

    def _measured(self, node: Expression, children: tuple[Expression, ...]) -> Expression:
        """The node, if it is not too big; sizes are kept for nodes that stay alive."""
        sizes = [self._sizes.get(id(child), (1, 1)) for child in children]
        count = 1 + sum(size for size, _ in sizes)
        depth = 1 + max(level for _, level in sizes)
        if count > MAX_NODES or depth > MAX_DEPTH:
            message = "the condition is too large with its macros written out"
            raise MacroError(message, 0, beyond_limit=True)
        self._sizes[id(node)] = (count, depth)
        self._alive.append(node)
        return node
