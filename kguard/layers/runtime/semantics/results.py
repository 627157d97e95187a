# SPDX-License-Identifier: Apache-2.0
"""What does Falco say about a rules file that it loads?

Authority: falcosecurity/falco userspace/engine/falco_load_result.cpp (codes and their meaning) and
rule_loader.cpp (contexts and their JSON form, with lines and columns that count from 0).
"""

from __future__ import annotations

from typing import Any

import msgspec

from kguard.sources.yaml.untyped import Node

SNIPPET_WIDTH = 160

CODES = {
    "LOAD_ERR_FILE_READ": "File read error",
    "LOAD_ERR_YAML_PARSE": "YAML parse error",
    "LOAD_ERR_YAML_VALIDATE": "Error validating internal structure of YAML file",
    "LOAD_ERR_COMPILE_CONDITION": "Error compiling condition",
    "LOAD_ERR_COMPILE_OUTPUT": "Error compiling output",
    "LOAD_ERR_VALIDATE": "Error validating rule/macro/list/exception objects",
    "LOAD_ERR_EXTENSION": "Error in extension item",
    "LOAD_UNKNOWN_SOURCE": "Unknown event source",
    "LOAD_UNSAFE_NA_CHECK": "Unsafe <NA> comparison in condition",
    "LOAD_NO_EVTTYPE": "Condition has no event-type restriction",
    "LOAD_UNKNOWN_FILTER": "Unknown field or event-type in condition or output",
    "LOAD_UNUSED_MACRO": "Unused macro",
    "LOAD_UNUSED_LIST": "Unused list",
    "LOAD_UNKNOWN_ITEM": "Unknown rules file item",
    "LOAD_DEPRECATED_ITEM": "Used deprecated item",
    "LOAD_WARNING_EXTENSION": "Warning in extension item",
    "LOAD_APPEND_NO_VALUES": "Overriding/appending with no values",
    "LOAD_EXCEPTION_NAME_NOT_UNIQUE": "Multiple exceptions defined with the same name",
    "LOAD_INVALID_MACRO_NAME": "Invalid macro name",
    "LOAD_INVALID_LIST_NAME": "Invalid list name",
    "LOAD_COMPILE_CONDITION": "Warning in rule condition",
    "LOAD_UNKNOWN_KEY": "Unknown key in item definition",
}
"""What the engine calls each code. Those of extensions are for programs that embed the engine and
add kinds of items; Falco itself never says them."""


class Spot(msgspec.Struct, frozen=True):
    """One step of the way to a place in a rules file."""

    item_type: str
    item_name: str = ""
    name: str = ""
    """The file, or the start of a condition."""
    line: int = 0
    column: int = 0
    offset: int = 0


class Context(msgspec.Struct, frozen=True):
    """A place in a rules file with the way to it."""

    spots: tuple[Spot, ...]
    condition: str = ""
    """The condition that the last spot points into, if it does."""

    @property
    def file(self) -> str:
        """The rules file."""
        return self.spots[0].name

    @property
    def line(self) -> int:
        """The line of the innermost YAML node, from 1."""
        inside = [spot for spot in self.spots if spot.item_type != "condition expression"]
        return inside[-1].line + 1

    def at(self, node: Node, item_type: str, item_name: str = "") -> Context:
        """The place of a node below this one."""
        spot = Spot(item_type, item_name, self.file, node.line - 1, node.column - 1, node.offset)
        return Context((*self.spots, spot))

    def in_condition(self, condition: str, offset: int, line: int, column: int) -> Context:
        """A place inside a condition that starts here."""
        last = self.spots[-1]
        head = condition if len(condition) <= _HEAD else f"{condition[: _HEAD - 3]}..."
        head = head.replace("\n", " ").replace("\r", " ")
        spot = Spot(
            "condition expression",
            name=f'"{head}"',
            line=line + last.line,
            column=column + last.column,
            offset=offset + last.offset,
        )
        return Context((*self.spots, spot), condition)

    def as_json(self) -> dict[str, Any]:
        """The form of `falco -V -o json_output=true`, without the snippet."""
        return {
            "locations": [
                {
                    "item_name": spot.item_name,
                    "item_type": spot.item_type,
                    "position": {
                        "column": spot.column,
                        "line": spot.line,
                        "name": spot.name,
                        "offset": spot.offset,
                    },
                }
                for spot in self.spots
            ]
        }


_HEAD = 20


def whole_file(name: str) -> Context:
    """The place of a whole rules file."""
    return Context((Spot("rules content", name=name),))


class Problem(msgspec.Struct, frozen=True):
    """An error or a warning of the engine."""

    code: str
    message: str
    context: Context
    beyond_limit: bool = False
    """Whether it is kguard that gives up here: what the engine does is not known."""


class LoadError(Exception):
    """The engine stops loading."""

    def __init__(
        self, code: str, message: str, context: Context, *, beyond_limit: bool = False
    ) -> None:
        super().__init__(message)
        self.problem = Problem(code, message, context, beyond_limit)


class LoadResult(msgspec.Struct):
    """What the engine says about one rules file."""

    name: str
    content: str = ""
    errors: list[Problem] = []
    warnings: list[Problem] = []

    @property
    def successful(self) -> bool:
        """Whether the engine takes the file; where it does not, Falco does not start."""
        return not self.errors

    @property
    def given_up(self) -> Problem | None:
        """Where kguard stopped, before the engine would."""
        return next((problem for problem in self.errors if problem.beyond_limit), None)

    def warn(self, code: str, message: str, context: Context) -> None:
        """Note a warning."""
        self.warnings.append(Problem(code, message, context))

    def as_json(self) -> dict[str, Any]:
        """The form of `falco -V -o json_output=true`."""
        return {
            "errors": [self._problem(one) for one in self.errors if not one.beyond_limit],
            "name": self.name,
            "successful": self.successful,
            "warnings": [self._problem(problem) for problem in self.warnings],
        }

    def _problem(self, problem: Problem) -> dict[str, Any]:
        context = problem.context.as_json()
        context["snippet"] = snippet(problem.context, self.content)
        return {
            "code": problem.code,
            "codedesc": CODES[problem.code],
            "context": context,
            "message": problem.message,
        }


def snippet(context: Context, content: str) -> str:
    """The line that a context points to, with a marker below it."""
    text = context.condition or content
    if not text:
        return "<No context available>\n"
    at = min(context.spots[-1].offset, len(text) - 1)
    while at > 0 and text[at] == "\n":
        at -= 1
    start = max(text.rfind("\n", 0, at) + 1, at - SNIPPET_WIDTH // 2)
    end = text.find("\n", at)
    end = min(len(text) if end < 0 else end, at + SNIPPET_WIDTH // 2)
    line = text[start:end]
    return f"{line}\n{' ' * (at - start)}^\n" if line else "<No context available>\n"
