# SPDX-License-Identifier: Apache-2.0
"""Do the shipped policies pass the reference engine's own checks, against the facts' schemas?

``python -m support.rego_lint OPA`` runs ``opa check --strict``, ``opa fmt`` and ``opa test``. The
schemas are for the policies alone: their tests write down just enough of a document.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import msgspec

from kguard import layers
from kguard.cli.schemas import for_policies
from kguard.data import policies_dir


def main(arguments: Sequence[str]) -> int:
    """Exit code 0 if every check passes, else 1. The only argument is the OPA program."""
    (opa,) = arguments
    policies = str(policies_dir())
    with tempfile.TemporaryDirectory() as folder:
        write_schemas(Path(folder))
        checks = (
            ["check", "--strict", "--schema", folder, "--ignore", "*_test.rego", policies],
            ["check", "--strict", policies],
            ["fmt", "--diff", "--fail", policies],
            ["test", policies],
        )
        failed = [check[0] for check in checks if not _passes([opa, *check])]
    print(f"rego: {', '.join(failed)} failed" if failed else "rego: check, fmt and test passed")
    return 1 if failed else 0


def write_schemas(folder: Path) -> None:
    """One file for each document that policies judge, as ``schema.NAME`` in METADATA."""
    for name in (*layers.DOCUMENTS, "waivers"):
        (folder / f"{name}.json").write_bytes(msgspec.json.encode(for_policies(name)))


def _passes(command: list[str]) -> bool:
    return subprocess.run(command, check=False).returncode == 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
