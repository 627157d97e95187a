# SPDX-License-Identifier: Apache-2.0
"""How does the killable child evaluate policies?

Runs as a script under `python -I`, with memory and time limits, because regorus can crash, hang or
eat memory on hostile Rego. Talks frames over stdin and stdout: an 8-digit hexadecimal length and
that many bytes. A request is a JSON frame, followed by the input document as a frame of its own
where there are queries; the answer to each query is a frame: `v` and its value, or `e` and the
error. Asked for them `singly`, it sends each as soon as it is known, so that the parent can tell at
which query a child ended.
It imports nothing of kguard.

Measured on regorus 0.13.0: a rule that the value of a `with` modifier refers to is undefined in the
expression that the modifier belongs to (`x == _ref with input as {"ref": _ref}`). OPA's compiler
evaluates such values before the expression (rewriteWithModifiers in ast/compile.go), and so does
what is loaded here: the values are moved into assignments of their own.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterable, Iterator
from time import monotonic
from typing import IO, Any

PREFIX = 8
TELL_SECONDS = 0.02
"""After which answers go out, though more will soon be known: each time wakes the parent."""

_WITH = re.compile(r"\bwith\s+(input|data)\b")
_SCALARS = {"String", "RawString", "Number", "Bool", "Null"}

Edit = tuple[int, int, str, list[tuple[int, int]]]
"""From, to, what stands there instead, and the values (from, to) to be assigned behind it."""


def _read(stream: IO[bytes]) -> bytes | None:
    head = stream.read(PREFIX)
    return stream.read(int(head, 16)) if len(head) == PREFIX else None


def _write(stream: IO[bytes], body: str) -> None:
    encoded = body.encode()
    stream.write(b"%08x" % len(encoded) + encoded)


def _limit(memory_bytes: int, cpu_seconds: int) -> None:
    try:
        import resource
    except ImportError:
        return  # Windows: the parent's wall clock remains
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))
    resource.setrlimit(resource.RLIMIT_CPU, (cpu_seconds, cpu_seconds))


def _load(engine: Any, modules: dict[str, str]) -> dict[str, str]:
    failed = {}
    for path, text in modules.items():
        try:
            engine.add_policy(path, _values_first(type(engine)(), path, text))
        except RuntimeError as error:
            failed[path] = str(error)
    return failed


def _values_first(parser: Any, path: str, text: str) -> str:
    """A module that assigns the values of `with` modifiers before they are used, line by line."""
    if not _WITH.search(text):
        return text
    parser.add_policy(path, text)
    source = text.encode()
    module = json.loads(parser.get_ast_as_json())[0]["ast"]
    edits = sorted(edit for query in _queries(module) for edit in _edits(query, source))
    return _render(source, (0, len(source) + 1), edits)


def _queries(node: Any) -> Iterator[dict[str, Any]]:
    if isinstance(node, dict):
        if node.get("stmts"):
            yield node
        node = list(node.values())
    if isinstance(node, list):
        for child in node:
            yield from _queries(child)


def _edits(query: dict[str, Any], source: bytes) -> Iterator[Edit]:
    braces = query["span"]["start"] != query["stmts"][0]["span"]["start"]
    for statement in query["stmts"]:
        values = list(_values(statement.get("with_mods", ()), source))
        if values:
            start, end = statement["span"]["start"], statement["span"]["end"]
            yield start, start, "" if braces else "{ ", values
            yield from ((first, last, f" {_name(first)}", []) for first, last in values)
            yield end, end, "" if braces else " }", []


def _name(place: int) -> str:
    return f"__with_{place}"


def _values(modifiers: Iterable[Any], source: bytes) -> Iterator[tuple[int, int]]:
    """From where to where the values stand that refer to something."""
    for modifier in modifiers:
        ((kind, value),) = modifier["as"].items()
        if kind not in _SCALARS and _replaces_document(modifier["refr"]):
            start: int = value["span"]["start"]
            yield source.rfind(b"as", 0, start) + 2, modifier["span"]["end"]


def _replaces_document(node: Any) -> bool:
    """Whether it is `input`, `data` or something inside, not a function."""
    ((kind, reference),) = node.items()
    if kind == "Var":
        return reference["value"] in ("input", "data")
    return _replaces_document(reference["refr"])


def _render(source: bytes, part: tuple[int, int], edits: list[Edit]) -> str:
    """A part of the source after the edits inside of it."""
    text, at = "", part[0]
    for start, end, instead, values in edits:
        if not at <= start < part[1] or (start, end) == part:
            continue
        text += source[at:start].decode() + instead
        for value in values:
            text += f"{_name(value[0])} :={_render(source, value, edits)}; "
        at = end
    return text + source[at : part[1]].decode()


def _evaluate(
    engine: Any, document: bytes, queries: list[str], answers: IO[bytes], *, singly: bool
) -> None:
    engine.set_input_json(document.decode())
    told = monotonic()
    for query in queries:
        try:
            answer = f"v{engine.eval_rule_as_json(query)}"
        except RuntimeError as error:
            answer = f"e{error}"
        _write(answers, answer)
        if singly or monotonic() - told > TELL_SECONDS:
            answers.flush()
            told = monotonic()
    answers.flush()


def main() -> None:
    """Serve requests until stdin ends."""
    requests, answers = sys.stdin.buffer, sys.stdout.buffer
    start = json.loads(_read(requests) or b"{}")
    _limit(start["memory_bytes"], start["cpu_seconds"])
    sys.path.append(start["path"])
    import regorus

    engine = regorus.Engine()
    while (frame := _read(requests)) is not None:
        request = json.loads(frame)
        if "modules" in request:
            engine = regorus.Engine()  # added to the old one, the rules would be there twice
            _write(answers, json.dumps(_load(engine, request["modules"])))
            answers.flush()
        else:
            document, singly = _read(requests) or b"", request["singly"]
            _evaluate(engine, document, request["queries"], answers, singly=singly)


if __name__ == "__main__":
    main()
