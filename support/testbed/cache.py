# SPDX-License-Identifier: Apache-2.0
"""Where does the testbed lie, and which of its systems are there already?"""

from __future__ import annotations

import os
from pathlib import Path

from support.testbed.recipes import Recipe, recipe


def root() -> Path:
    """The folder of all built systems: ``KGUARD_TESTBED_DIR`` or a cache folder of the user."""
    named = os.environ.get("KGUARD_TESTBED_DIR")
    return Path(named) if named else Path.home() / ".cache" / "kguard" / "testbed"


def binary(system: Recipe) -> Path:
    """Where the program lies once it is built."""
    return root() / system.folder / system.name


def installed(name: str) -> Path | None:
    """The program of a system, or None where it is not built. Raises ``KeyError``."""
    path = binary(recipe(name))
    return path if path.is_file() else None
