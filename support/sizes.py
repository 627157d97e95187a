# SPDX-License-Identifier: Apache-2.0
"""Does every module and function stay small enough to be read in one go?

``python -m support.sizes FOLDER...`` fails on a module over 400 lines, a function over 50 lines,
or a median function of 12 lines or more.
"""

from __future__ import annotations

import ast
import statistics
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

MAX_MODULE_LINES = 400
MAX_FUNCTION_LINES = 50
MEDIAN_FUNCTION_LINES = 12


def main(folders: Sequence[str]) -> int:
    """Print what is too large. Exit code 0 if nothing is, else 1."""
    modules = sorted(path for folder in folders for path in Path(folder).rglob("*.py"))
    lengths: list[int] = []
    problems: list[str] = []
    for module in modules:
        text = module.read_text(encoding="utf-8")
        problems += _module_problems(module, text)
        for name, line, length in _functions(text):
            lengths.append(length)
            if length > MAX_FUNCTION_LINES:
                problems.append(f"{module}:{line}: {name} has {length} lines")
    problems += _median_problems(lengths)
    print("\n".join([*problems, _summary(modules, lengths)]))
    return 1 if problems else 0


def _module_problems(module: Path, text: str) -> list[str]:
    count = len(text.splitlines())
    if count <= MAX_MODULE_LINES:
        return []
    return [f"{module}:1: the module has {count} lines, {MAX_MODULE_LINES} are allowed"]


def _functions(text: str) -> Iterator[tuple[str, int, int]]:
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node.name, node.lineno, (node.end_lineno or node.lineno) - node.lineno + 1


def _median_problems(lengths: Sequence[int]) -> list[str]:
    if not lengths or statistics.median(lengths) < MEDIAN_FUNCTION_LINES:
        return []
    return [f"the median function has {statistics.median(lengths):g} lines"]


def _summary(modules: Sequence[Path], lengths: Sequence[int]) -> str:
    median = statistics.median(lengths) if lengths else 0
    return f"sizes: {len(modules)} modules, {len(lengths)} functions, median {median:g} lines"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
