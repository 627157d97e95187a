# SPDX-License-Identifier: Apache-2.0
"""How do all remedies become one patch that `git apply` takes?

Names are those below the folder where kguard ran. What a patch cannot hold is left out and named:
files elsewhere, names with characters that would end a line of a patch, objects of a cluster and
rendered output.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import msgspec

from kguard.remediation.patches import by_file, patch, start
from kguard.remediation.plan import Plan

_UNSAFE = re.compile(r'[\x00-\x1f\x7f"\\]|^-')


class Bundle(msgspec.Struct, frozen=True):
    """One patch for everything."""

    text: str
    """A unified diff; empty where there is nothing to change."""
    left_out: tuple[str, ...]
    """Files and objects that it cannot change."""


def bundle(plan: Plan, folder: str = "remedies") -> Bundle:
    """New manifests (in a folder) and edits of existing files, in the order of names.

    Args:
        plan: the remedies, proved.
        folder: where new manifests go, relative to where kguard ran.
    """
    files = by_file(plan.applied)
    takes = {name: edits for name, edits in files.items() if _takes(name)}
    parts = [_with_head(name, patch(name, edits)) for name, edits in takes.items()]
    parts += [_new(f"{folder}/{name}", text) for name, text in sorted(plan.applied.created.items())]
    left_out = [*(name for name in files if name not in takes), *plan.applied.patched_objects]
    return Bundle("".join(parts), tuple(sorted(left_out)))


def _takes(name: str) -> bool:
    return start(name) == "." and not _UNSAFE.search(name)


def _with_head(name: str, text: str) -> str:
    """A tab ends a name that holds blanks."""
    old, new, body = text.split("\n", 2)
    tab = "\t" if " " in name else ""
    return f"{old}{tab}\n{new}{tab}\n{body}"


def _new(name: str, content: str) -> str:
    lines = content.splitlines(keepends=True)
    body = "".join(_added(lines))
    return f"--- /dev/null\n+++ b/{name}\n@@ -0,0 +1,{len(lines)} @@\n{body}"


def _added(lines: list[str]) -> Iterator[str]:
    for line in lines:
        yield f"+{line}" if line.endswith("\n") else f"+{line}\n\\ No newline at end of file\n"
