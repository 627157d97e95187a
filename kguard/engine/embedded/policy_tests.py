# SPDX-License-Identifier: Apache-2.0
"""Do the `_test.rego` files of a folder of policies pass, without an OPA binary?"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import msgspec

from kguard.engine.adopted.modules import Group, module
from kguard.engine.embedded.precheck import precheck
from kguard.engine.embedded.process import WALL_SECONDS, Answer, Child, ChildDied
from kguard.errors import PolicyError, reason

_PACKAGE = re.compile(r"^package\s+([\w.]+)", re.MULTILINE)
_TEST = re.compile(r"^(test_\w+)\b", re.MULTILINE)


class Outcome(msgspec.Struct, frozen=True, order=True):
    """One test of a policy: `problem` is empty where it passed."""

    test: str
    problem: str


def run(folder: Path, wall_seconds: float = WALL_SECONDS) -> list[Outcome]:
    """Evaluate every rule named `test_*` in the `_test.rego` files of a folder.

    Raises:
        PolicyError: a module cannot be compiled, or a test takes the engine down.
    """
    modules = _modules(folder)
    for path, text in modules.items():
        if problem := precheck(text):
            raise PolicyError(problem, where=path)
    names = sorted({name for path, text in modules.items() for name in _tests(path, text)})
    child = Child(wall_seconds)
    try:
        for path, error in child.load(modules).items():
            raise PolicyError(" ".join(error.split()), where=path)
        answers = dict(child.evaluate(b"{}", names))
    except ChildDied as death:
        raise PolicyError(f"the tests took the engine down: {death}", where=str(folder)) from None
    finally:
        child.close()
    return [Outcome(name.removeprefix("data."), _problem(answers[name])) for name in names]


def _modules(folder: Path) -> dict[str, str]:
    """The modules of a folder, in Rego v1, with what they call of v0."""
    modules: dict[str, str] = {}
    for path in sorted(folder.rglob("*.rego")):
        try:
            found = module(str(path), path.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError) as error:
            raise PolicyError(
                f"the file cannot be read: {reason(error)}", where=str(path)
            ) from None
        modules |= Group("", (found,)).libraries
    return modules


def _tests(path: str, text: str) -> Iterator[str]:
    package = _PACKAGE.search(text)
    if path.endswith("_test.rego") and package:
        yield from (f"data.{package[1]}.{name}" for name in _TEST.findall(text))


def _problem(answer: Answer) -> str:
    if answer.value is None:
        return answer.error.splitlines()[-1]
    if answer.value == b"true":
        return ""
    value = msgspec.json.decode(answer.value)
    if isinstance(value, dict) and value and all(entry is True for entry in value.values()):
        return ""
    return "it is not true"
