# SPDX-License-Identifier: Apache-2.0
"""Which files make up a chart or a kustomization, and with which contents?

Where it is not rendered, that alone tells whether a change touches it.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable
from pathlib import Path

from kguard.model.manifests import Contents
from kguard.sources.limits import MAX_FILE_BYTES, MAX_FILES


def below(folder: Path) -> list[Path]:
    """All files of a folder, symbolic links as such; more than `MAX_FILES` are cut off."""
    found: list[Path] = []
    for place, _, names in os.walk(folder):
        found += (Path(place, name) for name in names)
        if len(found) > MAX_FILES:
            break
    return found[:MAX_FILES]


def contents(folder: Path, files: Iterable[Path]) -> Contents:
    """The digests of files, by their paths as seen from a folder."""
    names = {os.path.relpath(path, folder): path for path in files}
    return tuple((name, _digest(path)) for name, path in sorted(names.items()))


def _digest(path: Path) -> str:
    try:
        if path.is_symlink():
            return f"-> {path.readlink()}"
        if not path.is_file():
            return "no file"
        with path.open("rb") as file:
            data = file.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        return error.strerror or "unreadable"
    return hashlib.sha256(data.replace(b"\r\n", b"\n")).hexdigest()
