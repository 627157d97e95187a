# SPDX-License-Identifier: Apache-2.0
"""``python -m support.docs`` writes what is generated; ``--check`` fails where it differs.

Policies that have no example yet get one from their case folder.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from support import examples
from support.docs.pages import ROOT, pages
from support.docs.rights import files


def main(arguments: Sequence[str]) -> int:
    """Exit code 1 if ``--check`` finds a page that is not as it would be generated."""
    if "--check" not in arguments:
        examples.main([])
    generated = {f"docs/{name}": text for name, text in pages().items()} | files()
    stale = [name for name, text in generated.items() if _read(ROOT / name) != text]
    if "--check" in arguments:
        for name in stale:
            print(f"{name} is stale: run `make docs`")
        return 1 if stale else 0
    for name, text in generated.items():
        path = ROOT / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        print(name)
    return 0


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.exists() else ""


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
