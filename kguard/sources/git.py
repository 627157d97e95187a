# SPDX-License-Identifier: Apache-2.0
"""What did the repository hold at a revision (`rev:REV` or `rev:REV:FOLDER`)?

The blobs are read by the user's git, hardened against what a hostile repository may configure
(hooks, file system monitors, textconv), and written to a temporary folder, without symbolic links,
so that a revision is read exactly like a folder.
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from pathlib import Path, PurePosixPath
from typing import IO

import msgspec

from kguard.errors import SourceError
from kguard.sources.limits import GIT_SECONDS, MAX_FILE_BYTES, MAX_FILES, MAX_TREE_BYTES
from kguard.sources.processes import Outcome, run, surroundings

PREFIX = "rev:"

_SAFE = ("-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null", "-c", "core.pager=cat")
_ENVIRONMENT = {
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_OPTIONAL_LOCKS": "0",
}


class Blob(msgspec.Struct, frozen=True):
    """A file of a revision."""

    path: str
    digest: str
    size: int


class Revision(msgspec.Struct, frozen=True):
    """A revision that was written out."""

    folder: Path
    """Where its files lie now."""
    left_out: tuple[tuple[str, str], ...]
    """Paths that were not written, with the reason."""


def split(text: str) -> tuple[str, str]:
    """Revision and folder of an input: `rev:main`, `rev:HEAD~1:deploy`, `rev:main...HEAD`."""
    revision, _, folder = text.removeprefix(PREFIX).partition(":")
    return revision, folder.strip("/")


def check_out(text: str, target: Path) -> Revision:
    """Write the files of a revision into an empty folder, unless they lie in another one already.

    Raises:
        SourceError: there is no git, no repository or no such revision.
    """
    _, folder = split(text)
    commit = resolve(text)
    known = _written.get(commit)
    if known is None or not known.folder.exists():
        known = _written[commit] = _whole(commit, text, target)
    if not (known.folder / folder).exists():
        raise SourceError(f"the revision has no folder {folder}", where=text)
    return Revision(known.folder / folder, known.left_out)


_written: dict[str, Revision] = {}
"""Revisions that this process has written out, by commit: as long as their folder is there, nobody
needs another one."""


def _whole(commit: str, text: str, target: Path) -> Revision:
    listed = _git("ls-tree", "-r", "-z", "-l", "--full-tree", commit)
    if listed.error:
        raise SourceError(listed.error, where=text)
    blobs, left_out = _blobs(listed.output)
    if len(blobs) > MAX_FILES or sum(blob.size for blob in blobs) > MAX_TREE_BYTES:
        raise SourceError("the revision is too large", where=text)
    _write(blobs, target)
    return Revision(target, tuple(left_out))


def top_level() -> Path:
    """The folder of the working tree.

    Raises:
        SourceError: there is none.
    """
    found = _git("rev-parse", "--show-toplevel")
    if found.error:
        raise SourceError("this folder is in no git working tree", where=str(Path.cwd()))
    return Path(found.output.decode(errors="surrogateescape").rstrip("\n")).resolve()


def resolve(text: str) -> str:
    """The commit that an input such as `rev:origin/main:deploy` names.

    `rev:A...B` is the commit where B branched off from A; an empty end is HEAD.

    Raises:
        SourceError: there is no git, no repository or no such revision.
    """
    revision, _ = split(text)
    one, dots, other = revision.partition("...")
    if dots:
        return _merge_base(one or "HEAD", other or "HEAD", text)
    return _commit(revision, text)


def _merge_base(one: str, other: str, text: str) -> str:
    commits = [_commit(revision, text) for revision in (one, other)]
    found = _git("merge-base", *commits)
    if found.error or not found.output:
        hint = "a shallow clone may lack it: fetch with `fetch-depth: 0`"
        raise SourceError(f"{one} and {other} have no common commit", where=text, hint=hint)
    return found.output.decode("ascii", errors="replace").strip()


def _commit(revision: str, text: str) -> str:
    found = _git("rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}")
    if found.error or not found.output:
        if _git("rev-parse", "--git-dir").error:
            hint = "type it inside of the repository, or name folders instead of revisions"
            raise SourceError("this folder is in no git repository", where=text, hint=hint)
        hint = "a shallow clone lacks it: fetch with `fetch-depth: 0`"
        raise SourceError(f"git knows no revision {revision!r}", where=text, hint=hint)
    return found.output.decode("ascii", errors="replace").strip()


def _git(*arguments: str) -> Outcome:
    program = shutil.which("git")
    if not program:
        return Outcome(b"", "git was not found on PATH")
    return run(
        [program, *_SAFE, *arguments],
        folder=Path.cwd(),
        seconds=GIT_SECONDS,
        limit=MAX_FILE_BYTES,
        environment=_ENVIRONMENT,
    )


def _blobs(listing: bytes) -> tuple[list[Blob], list[tuple[str, str]]]:
    """What `ls-tree -r -z -l` lists, as files to write and paths to leave out."""
    blobs: list[Blob] = []
    left_out: list[tuple[str, str]] = []
    for entry in listing.split(b"\0"):
        head, tab, name = entry.partition(b"\t")
        path = name.decode(errors="surrogateescape")
        if not tab:
            continue
        mode, _, digest, length = head.decode("ascii").split()
        size = int(length) if length.isdigit() else 0
        if mode == "160000":
            left_out.append((path, "a git submodule"))
        elif size > MAX_FILE_BYTES:
            left_out.append((path, f"the file is larger than {MAX_FILE_BYTES >> 20} MiB"))
        elif mode != "120000" and _is_plain(path):
            blobs.append(Blob(path, digest, size))
    return blobs, left_out


def _is_plain(path: str) -> bool:
    parts = PurePosixPath(path).parts
    return not path.startswith("/") and ".." not in parts and ".git" not in parts


def _write(blobs: list[Blob], target: Path) -> None:
    program = shutil.which("git") or "git"
    with tempfile.TemporaryFile() as wanted:
        wanted.writelines(blob.digest.encode() + b"\n" for blob in blobs)
        wanted.seek(0)
        with subprocess.Popen(
            [program, *_SAFE, "cat-file", "--batch"],
            stdin=wanted,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=surroundings(_ENVIRONMENT),
        ) as process:
            if process.stdout is not None:
                _receive(blobs, process.stdout, target)


def _receive(blobs: list[Blob], stream: IO[bytes], target: Path) -> None:
    """Write what `cat-file --batch` prints: a line, the content and a line feed for each blob."""
    made: set[Path] = set()
    for blob in blobs:
        stream.readline()
        data = stream.read(blob.size)
        stream.read(1)
        path = target / blob.path
        if path.parent not in made:
            path.parent.mkdir(parents=True, exist_ok=True)
            made.add(path.parent)
        path.write_bytes(data)
