# SPDX-License-Identifier: Apache-2.0
"""Which files does a folder of a git revision name?

The same ones, in the same order, as if the revision were checked out (`sources.files`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import chain

from kguard.sources import git
from kguard.sources.ignore import IGNORE_FILES, MAX_IGNORE_BYTES, Pattern, ignored, parse

_Folder = dict[str, "git.Blob | _Folder"]


def walk(found: git.Tree, folder: str) -> list[git.Blob]:
    """All files below a folder (`""` is the whole), without those that ignore files leave out.

    Raises:
        LackingError: git lacks an ignore file.
    """
    prefix = f"{folder}/" if folder else ""
    blobs = found.below(folder)
    rules = [blob for blob in blobs if blob.path.rpartition("/")[2] in IGNORE_FILES]
    texts = dict(zip((blob.path for blob in rules), git.contents(rules), strict=True))
    root: _Folder = {}
    for blob in blobs:
        _insert(root, blob.path.removeprefix(prefix).split("/"), blob)
    return list(_entries(root, "", [], prefix, texts))


def _insert(root: _Folder, parts: list[str], blob: git.Blob) -> None:
    for part in parts[:-1]:
        inner = root.setdefault(part, {})
        if isinstance(inner, git.Blob):
            return  # no tree of git holds both
        root = inner
    root[parts[-1]] = blob


def _entries(
    folder: _Folder, base: str, above: list[Pattern], prefix: str, texts: Mapping[str, bytes]
) -> Iterator[git.Blob]:
    rules = (texts.get(f"{prefix}{base}{name}", b"") for name in IGNORE_FILES)
    read = (text[:MAX_IGNORE_BYTES].decode(errors="replace") for text in rules)
    patterns = [*above, *chain.from_iterable(parse(text, base) for text in read)]
    for name in sorted(folder):
        entry, relative = folder[name], base + name
        if ignored(relative, patterns, is_folder=not isinstance(entry, git.Blob)):
            continue
        if isinstance(entry, git.Blob):
            yield entry
        else:
            yield from _entries(entry, f"{relative}/", patterns, prefix, texts)
