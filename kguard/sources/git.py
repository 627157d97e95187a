# SPDX-License-Identifier: Apache-2.0
"""What did the repository hold at a revision (`rev:REV` or `rev:REV:FOLDER`)?

The blobs are read by the user's git, hardened against what a hostile repository may configure
(hooks, file system monitors, textconv), and written to a temporary folder, without symbolic links,
so that a revision is read exactly like a folder.
"""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path, PurePosixPath

import msgspec

from kguard.errors import SourceError
from kguard.sources.limits import GIT_SECONDS, MAX_FILE_BYTES, MAX_FILES, MAX_TREE_BYTES
from kguard.sources.processes import Outcome, run

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
    """Revision and folder of an input such as `rev:origin/main` or `rev:HEAD~1:deploy`."""
    revision, _, folder = text.removeprefix(PREFIX).partition(":")
    return revision, folder.strip("/")


def check_out(text: str, target: Path) -> Revision:
    """Write the files of a revision into an empty folder.

    Raises:
        SourceError: there is no git, no repository or no such revision.
    """
    _, folder = split(text)
    listed = _git("ls-tree", "-r", "-z", "-l", "--full-tree", resolve(text))
    if listed.error:
        raise SourceError(listed.error, where=text)
    blobs, left_out = _blobs(listed.output)
    if len(blobs) > MAX_FILES or sum(blob.size for blob in blobs) > MAX_TREE_BYTES:
        raise SourceError("the revision is too large", where=text)
    _write(blobs, target)
    if not (target / folder).exists():
        raise SourceError(f"the revision has no folder {folder}", where=text)
    return Revision(target / folder, tuple(left_out))


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

    Raises:
        SourceError: there is no git, no repository or no such revision.
    """
    revision, _ = split(text)
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
    with subprocess.Popen(
        [program, *_SAFE, "cat-file", "--batch"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    ) as process:
        if process.stdin is None or process.stdout is None:
            return
        for blob in blobs:
            process.stdin.write(blob.digest.encode() + b"\n")
            process.stdin.flush()
            process.stdout.readline()
            data = process.stdout.read(blob.size)
            process.stdout.read(1)
            path = target / blob.path
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        process.stdin.close()
