# SPDX-License-Identifier: Apache-2.0
"""How does a test get a git repository with some commits?"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

_GIT = shutil.which("git") or "git"  # found before a test hides it
_WHO = ("-c", "user.name=t", "-c", "user.email=t@example.com")


def git(folder: Path | str, *arguments: str) -> str:
    """What git prints in a folder; raises ``CalledProcessError`` if it fails."""
    command = [_GIT, *_WHO, *arguments]
    done = subprocess.run(
        command, cwd=folder, check=True, capture_output=True, text=True, timeout=60
    )
    return done.stdout.strip()


def commit(folder: Path, files: Mapping[str, str | None]) -> str:
    """Write files (None: remove them) and commit everything, ignored or not; the commit."""
    for name, text in files.items():
        path = folder / name
        if text is None:
            path.unlink()
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
    git(folder, "add", "-A", "-f")
    git(folder, "commit", "-q", "-m", "change", "--allow-empty")
    return git(folder, "rev-parse", "HEAD")
