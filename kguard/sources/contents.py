# SPDX-License-Identifier: Apache-2.0
"""Which files make up a chart or a kustomization, and with which contents?

Where it is not rendered, that alone tells whether a change touches it.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator, Mapping

from kguard.model.manifests import Contents
from kguard.sources.files import File
from kguard.sources.limits import MAX_FILE_BYTES, MAX_FILES


def inside(folders: Iterable[str], files: Iterable[File]) -> dict[str, str]:
    """Where the files of some displayed folders lie, by displayed path."""
    prefixes = tuple("" if folder == "." else f"{folder}/" for folder in folders)
    return {file.display: file.path for file in files if file.display.startswith(prefixes)}


def contents(folder: str, paths: Mapping[str, str]) -> Contents:
    """The digests of files, and of files in folders, by their names as seen from a folder.

    Args:
        folder: the displayed one.
        paths: where they lie, by displayed path.
    """
    found = [
        (os.path.relpath(name, folder), _digest(path))
        for shown, place in paths.items()
        for name, path in _files(shown, place)
    ]
    return tuple(sorted(found))


def _files(shown: str, place: str) -> Iterator[tuple[str, str]]:
    """A file itself; the files of a folder, of which more than `MAX_FILES` are cut off."""
    if not os.path.isdir(place):  # noqa: PTH112 - never raises, whatever a stranger calls it
        yield shown, place
        return
    count = 0
    for at, folders, names in os.walk(place):
        folders[:] = sorted(name for name in folders if name != ".git")
        for name in sorted(names):
            count += 1
            if count > MAX_FILES:
                return
            path = os.path.join(at, name)  # noqa: PTH118 - as os.walk has it
            yield shown + path.removeprefix(place), path


def _digest(path: str) -> str:
    if not os.path.isfile(path):  # noqa: PTH113 - never raises, whatever a stranger calls it
        return "no file"
    try:
        with open(path, "rb") as file:  # noqa: PTH123 - the same
            data = file.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        return error.strerror or "unreadable"
    return hashlib.sha256(data.replace(b"\r\n", b"\n")).hexdigest()
