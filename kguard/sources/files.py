# SPDX-License-Identifier: Apache-2.0
"""Which files does a folder or a glob name?

Folders are walked recursively in the order of names. Symbolic links that lead out of the named
folder are refused, because a manifest repository may come from a stranger; links inside it are not
followed, because their targets are read anyway.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath

import msgspec

from kguard.errors import SourceError
from kguard.model.manifests import Unreadable
from kguard.sources.ignore import Pattern, glob_regex, ignored, patterns_in
from kguard.sources.limits import MAX_FILES
from kguard.sources.options import Options

YAML_SUFFIXES = (".yaml", ".yml", ".json")
GLOB_CHARACTERS = frozenset("*?[")


class File(msgspec.Struct, frozen=True, order=True):
    """A file that may be read."""

    display: str
    """As reports show it: relative where possible, with `/`."""
    path: str
    """Where it really lies."""

    @property
    def name(self) -> str:
        """The base name."""
        return self.display.rpartition("/")[2]

    @property
    def folder(self) -> str:
        """The displayed folder; `.` for the current one."""
        return self.display.rpartition("/")[0] or "."


class Listing(msgspec.Struct):
    """What a folder holds."""

    display: str
    """The displayed folder."""
    files: list[File] = []
    refused: list[Unreadable] = []


def display_path(path: Path) -> str:
    """A path as reports show it: relative to the current folder if it lies below it."""
    absolute = Path(os.path.normpath(path.absolute()))
    try:
        shown = absolute.relative_to(Path.cwd())
    except ValueError:
        shown = Path(os.path.normpath(path))
    return printable(shown.as_posix())


def printable(name: str) -> str:
    """A file name as text: bytes that are no UTF-8 are shown as escapes."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def wanted(name: str, options: Options) -> bool:
    """Whether a file of a folder is of a kind that is read."""
    return name.lower().endswith(YAML_SUFFIXES) or owned(name, options)


def owned(name: str, options: Options) -> bool:
    """Whether a layer reads files of this name although they are no YAML."""
    return any(fnmatchcase(name, pattern) for pattern in options.patterns)


def selected(display: str, options: Options) -> bool:
    """Whether the include and exclude globs leave a displayed path in."""
    if any(_glob_matches(glob, display) for glob in options.exclude):
        return False
    return not options.include or any(_glob_matches(glob, display) for glob in options.include)


def _glob_matches(glob: str, display: str) -> bool:
    glob = glob.rstrip("/")
    regex = glob_regex(glob.removeprefix("./"), anchored="/" in glob)
    if regex.fullmatch(display):
        return True
    return any(regex.fullmatch(str(parent)) for parent in PurePosixPath(display).parents)


def walk(folder: Path, shown: str, settled: tuple[str, str] | None = None) -> Listing:
    """All files below a folder, in the order of names.

    Args:
        folder: where it really lies.
        shown: how reports call it; `.` leaves its name out of the displayed paths.
        settled: as `Options.settled`.

    Raises:
        SourceError: there are more than `MAX_FILES` files.
    """
    listing = Listing(shown)
    root = folder.resolve()
    prefix = "" if shown == "." else shown.rstrip("/") + "/"
    for relative, entry in _entries(root, "", [], listing, settled):
        display = prefix + printable(relative)
        if entry.is_symlink():
            if not _leads_inside(root, Path(entry.path)):
                listing.refused.append(_refusal(display))
        elif entry.is_file():
            listing.files.append(File(display, entry.path))
            if len(listing.files) > MAX_FILES:
                raise SourceError(f"more than {MAX_FILES} files", where=shown)
        else:
            listing.refused.append(Unreadable(display, reason="not a regular file"))
    return listing


def _entries(
    folder: Path,
    base: str,
    patterns: list[Pattern],
    listing: Listing,
    settled: tuple[str, str] | None,
) -> Iterator[tuple[str, os.DirEntry[str]]]:
    patterns = patterns + patterns_in(_settled(folder, settled), base)
    try:
        with os.scandir(folder) as found:
            entries = sorted(found, key=lambda entry: entry.name)
    except OSError as error:
        place = f"{listing.display}/{base}".rstrip("/")
        listing.refused.append(
            Unreadable(
                place, reason=f"the folder cannot be read: {(error.strerror or str(error)).lower()}"
            )
        )
        return
    for entry in entries:
        relative = base + entry.name
        is_folder = entry.is_dir(follow_symlinks=False)
        if entry.name == ".git" or ignored(relative, patterns, is_folder=is_folder):
            continue
        if is_folder:
            yield from _entries(Path(entry.path), relative + "/", patterns, listing, settled)
        else:
            yield relative, entry


def _settled(folder: Path, settled: tuple[str, str] | None) -> Path:
    """Where the ignore files of a folder lie."""
    if settled is None or not folder.is_relative_to(settled[0]):
        return folder
    return Path(settled[1]) / folder.relative_to(settled[0])


def _leads_inside(root: Path, link: Path) -> bool:
    try:
        target = link.resolve(strict=True)
    except (OSError, RuntimeError):
        return False
    return target == root or root in target.parents


def _refusal(display: str) -> Unreadable:
    return Unreadable(
        display,
        reason="a symbolic link that leads out of the folder or nowhere",
        hint="name its target as an input of its own",
    )


def is_glob(text: str) -> bool:
    """Whether an input is a pattern rather than a path."""
    return bool(GLOB_CHARACTERS & set(text)) and not Path(text).exists()


def expand_glob(pattern: str) -> list[Path]:
    """The files and folders that a pattern names, in the order of names."""
    import glob

    return [Path(found) for found in sorted(glob.glob(pattern, recursive=True))]  # noqa: PTH207 - may be absolute
