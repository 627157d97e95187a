# SPDX-License-Identifier: Apache-2.0
"""What did the repository hold at a revision (`rev:REV` or `rev:REV:FOLDER`)?

The blobs are read by the user's git, hardened against what a hostile repository may configure
(hooks, file system monitors, textconv), and written to a temporary folder only where a program
needs them there, without symbolic links.
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
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


class LackingError(SourceError):
    """A clone lacks files of a revision: nobody can say what that holds."""


class Blob(msgspec.Struct, frozen=True):
    """A file of a revision."""

    path: str
    digest: str
    size: int


class Tree(msgspec.Struct, frozen=True):
    """The files of a commit."""

    commit: str
    blobs: dict[str, Blob]
    """By path, without what is left out."""
    left_out: tuple[tuple[str, str], ...]
    """Paths that are not read, with the reason."""

    def below(self, path: str) -> list[Blob]:
        """A file, or all files of a folder; `""` is the whole."""
        if path in self.blobs:
            return [self.blobs[path]]
        prefix = f"{path}/" if path else ""
        return [blob for name, blob in self.blobs.items() if name.startswith(prefix)]


def split(text: str) -> tuple[str, str]:
    """Revision and folder of an input: `rev:main`, `rev:HEAD~1:deploy`, `rev:main...HEAD`."""
    revision, _, folder = text.removeprefix(PREFIX).partition(":")
    return revision, folder.strip("/")


def tree(text: str) -> Tree:
    """The files of the commit that an input names.

    Raises:
        SourceError: there is no git, no repository or no such revision, or it is too large.
    """
    commit = resolve(text)
    if commit not in _trees:
        listed = _git("ls-tree", "-r", "-z", "-l", "--full-tree", commit)
        if listed.error:
            raise LackingError(listed.error, where=text, hint=_INCOMPLETE_CLONE)
        blobs, left_out = _blobs(listed.output)
        if len(blobs) > MAX_FILES or sum(blob.size for blob in blobs) > MAX_TREE_BYTES:
            raise SourceError("the revision is too large", where=text)
        _trees[commit] = Tree(commit, {blob.path: blob for blob in blobs}, tuple(left_out))
    return _trees[commit]


_trees: dict[str, Tree] = {}
"""Those that this process has listed, by commit."""
_written: dict[str, Path] = {}
"""Where this process has written whole commits: as long as the folder is there, nobody needs
another one."""
_INCOMPLETE_CLONE = "a partial clone lacks it: fetch without `--filter`"


def check_out(found: Tree, target: Path) -> Path:
    """Write a commit into an empty folder, unless it lies in another one already.

    Raises:
        LackingError: git lacks files of it.
    """
    known = _written.get(found.commit)
    if known is None or not known.exists():
        known = _written[found.commit] = target
        write(found.below(""), target)
    return known


def write(blobs: Sequence[Blob], target: Path) -> None:
    """Write files below a folder.

    Raises:
        LackingError: git lacks one of them.
    """
    made: set[Path] = set()
    for blob, data in zip(blobs, contents(blobs), strict=True):
        path = target / blob.path
        if path.parent not in made:
            path.parent.mkdir(parents=True, exist_ok=True)
            made.add(path.parent)
        path.write_bytes(data)


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
        hint = "`git branch --all` lists what there is; a shallow clone lacks it: `fetch-depth: 0`"
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


def contents(blobs: Sequence[Blob]) -> Iterator[bytes]:
    """What files of a revision hold, one after the other.

    Raises:
        LackingError: git lacks one of them.
    """
    if not blobs:
        return
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
                for blob in blobs:
                    yield _received(blob, process.stdout)


def _received(blob: Blob, stream: IO[bytes]) -> bytes:
    """What `cat-file --batch` prints of a blob: a line, the content and a line feed."""
    head = stream.readline().split()
    data = stream.read(blob.size + 1) if head[1:2] == [b"blob"] else b""
    if len(data) != blob.size + 1:
        raise LackingError("git cannot read the file", where=blob.path, hint=_INCOMPLETE_CLONE)
    return data[:-1]
