# SPDX-License-Identifier: Apache-2.0
"""What does Falco make of falco.yaml, the files that it includes, variables and the command line?

Authority: falcosecurity/falco userspace/engine/yaml_helper.h and userspace/falco/configuration.cpp
(0.44): files of `config_files` (no others) are read in order, those of a folder by name, each with
its strategy; one that is not there is skipped. `${VAR}` in a scalar is the variable of the
environment, empty where there is none, `$${VAR}` stands for `${VAR}`. `-o` sets a value by the path
of its keys, with `[n]` for an entry of a list and `[]` for a new one. Values of a chart are laid
over its defaults as Helm does it (pkg/chartutil/coalesce.go).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Literal, NamedTuple

from kguard.sources.yaml import untyped
from kguard.sources.yaml.untyped import Mapping as Table
from kguard.sources.yaml.untyped import Node, Scalar, Sequence

Strategy = Literal["append", "override", "add-only"]
_STRATEGIES: dict[str, Strategy] = {"override": "override", "add-only": "add-only"}
_VARIABLE = re.compile(r"(\$?)\$\{([^}]*)\}")
_STEP = re.compile(r"((?:[^.\[\]\\]|\\.)+)|\[(\d{0,6})\]|\.")
MAX_DEPTH = 50
"""Keys of one `-o`, and nested values in which variables are looked for."""


class Include(NamedTuple):
    """A file or folder of `config_files`."""

    path: str
    strategy: Strategy


def includes(node: Table) -> Iterator[Include]:
    """What a configuration includes, in order."""
    listed = node.get("config_files")
    entries = listed.items if isinstance(listed, Sequence) else [listed]
    for entry in entries:
        if isinstance(entry, Scalar) and not entry.is_null:
            yield Include(entry.text, "append")
        elif isinstance(entry, Table):
            path, strategy = _word(entry, "path"), _word(entry, "strategy")
            if path:
                yield Include(path, _STRATEGIES.get(strategy, "append"))


def _word(node: Table, key: str) -> str:
    found = node.get(key)
    return found.text if isinstance(found, Scalar) else ""


def included(base: Table, fragment: Table, strategy: Strategy = "append") -> Table:
    """A configuration with the keys of an included file."""
    entries = {key.text: (key, value) for key, value in base.entries if isinstance(key, Scalar)}
    for key, value in fragment.entries:
        if not isinstance(key, Scalar):
            continue
        known = entries.get(key.text)
        if known is not None and strategy == "add-only":
            continue
        if known is not None and strategy == "append":
            value = _appended(known[1], value)  # noqa: PLW2901 - the value of this key
        entries[key.text] = (key, value)
    return Table(list(entries.values()), base.line, base.column, base.offset)


def _appended(known: Node, value: Node) -> Node:
    """Sequences grow, everything else is replaced as a whole."""
    if not (isinstance(known, Sequence) and isinstance(value, Sequence)):
        return value
    return Sequence([*known.items, *value.items], known.line, known.column, known.offset)


def laid_over(base: Table, values: Table) -> Table:
    """The defaults of a chart under the values of a user: objects mix, null takes away."""
    entries = {key.text: (key, value) for key, value in base.entries if isinstance(key, Scalar)}
    for key, value in values.entries:
        if not isinstance(key, Scalar):
            continue
        known = entries.get(key.text, (key, value))[1]
        if isinstance(value, Scalar) and value.is_null:
            entries.pop(key.text, None)
        elif isinstance(known, Table) and isinstance(value, Table) and known is not value:
            entries[key.text] = (key, laid_over(known, value))
        else:
            entries[key.text] = (key, value)
    return Table(list(entries.values()), values.line, values.column, values.offset)


def with_variables(node: Node, value_of: Callable[[str], str | None], depth: int = 0) -> Node:
    """A configuration with the values of variables in place.

    Args:
        node: the configuration.
        value_of: the value of a variable, empty where there is none; None where it is not known,
            so that its name stays.
        depth: how deep the node lies.
    """
    if depth > MAX_DEPTH:
        return node
    if isinstance(node, Scalar):
        if "$" not in node.text:
            return node
        text = _VARIABLE.sub(lambda found: _value(found, value_of), node.text)
        return Scalar(text, node.plain, node.line, node.column, node.offset)
    if isinstance(node, Sequence):
        items = [with_variables(item, value_of, depth + 1) for item in node.items]
        return Sequence(items, node.line, node.column, node.offset)
    entries = [(key, with_variables(value, value_of, depth + 1)) for key, value in node.entries]
    return Table(entries, node.line, node.column, node.offset)


def _value(found: re.Match[str], value_of: Callable[[str], str | None]) -> str:
    if found[1]:
        return found[0][1:]
    value = value_of(found[2])
    return found[0] if value is None else value


def is_open(text: str) -> bool:
    """Whether a variable of unknown value is left in a text."""
    return any(not found[1] for found in _VARIABLE.finditer(text))


def assigned(node: Table, assignment: str) -> Table:
    """A configuration after `-o KEY=VALUE`; one that Falco would refuse changes nothing."""
    key, separator, value = assignment.partition("=")
    steps = list(_steps(key.strip()))
    if not separator or not steps or len(steps) > MAX_DEPTH or isinstance(steps[0], int):
        return node
    changed = _set(node, steps, _parsed(value.strip()))
    return changed if isinstance(changed, Table) else node


def _parsed(text: str) -> Node:
    """A value; objects and arrays in JSON or YAML are read as such."""
    if text[:1] in ("{", "["):
        try:
            documents = untyped.load(text)
        except untyped.UntypedError:
            documents = []
        if documents:
            return documents[0]
    return Scalar(text, plain=True)


_NEW = -1
"""The place of a new entry of a list."""


def _steps(key: str) -> Iterator[str | int]:
    """The keys and indexes of a path; nothing for one that is not well formed."""
    place = 0
    found: list[str | int] = []
    while place < len(key):
        step = _STEP.match(key, place)
        if step is None:
            return
        if step[1] is not None:
            found.append(re.sub(r"\\(.)", r"\1", step[1]))
        elif step[2] is not None:
            found.append(int(step[2]) if step[2] else _NEW)
        place = step.end()
    yield from found


def _set(node: Node | None, steps: list[str | int], value: Node) -> Node:
    if not steps:
        return value
    step, *rest = steps
    if isinstance(step, str):
        table = node if isinstance(node, Table) else Table()
        inner = _set(table.get(step), rest, value)
        kept = [(k, v) for k, v in table.entries if not (isinstance(k, Scalar) and k.text == step)]
        return Table([*kept, (Scalar(step, plain=True), inner)])
    items = list(node.items) if isinstance(node, Sequence) else []
    if step == _NEW or step >= len(items):
        return Sequence([*items, _set(None, rest, value)])
    items[step] = _set(items[step], rest, value)
    return Sequence(items)
