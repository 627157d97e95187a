# SPDX-License-Identifier: Apache-2.0
"""Which settings count where a change must not switch off its own check?

Those of a git revision that the change is judged against: kguard.yaml and what it names, baseline,
waivers, policies and keys. Waivers that stand in manifests count where that revision has them, too.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from kguard.cli.inputs import collect, options, settings
from kguard.cli.output import note
from kguard.config import FILE_NAME, Config, discover, read
from kguard.inventory.acceptances import acceptances
from kguard.scan import Options, inventory_of
from kguard.sources import git
from kguard.sources.ignore import IGNORE_FILES
from kguard.triage import waivers

_FILES = ("config", "waivers_file", "baseline_file")
_LISTS = ("policy_dirs", "trust_roots")
_SUBJECTS: dict[str, Any] = {"inputs": (), "flows": (), "helm": ()}
"""Settings that name what is judged, without what they name."""


class Wanted(NamedTuple):
    """What a scan is asked for, its settings found."""

    arguments: dict[str, Any]
    config: Config
    options: Options


@contextmanager
def judged_by(arguments: dict[str, Any]) -> Iterator[Wanted]:
    """The settings of a scan, from the working tree or from `--settings-from`.

    Raises:
        SourceError: there is no git, no repository or no such revision.
        ConfigError: the settings are wrong.
        UsageError: an option has a value that makes no sense.
    """
    revision = arguments["settings_from"]
    if not revision:
        config = settings(arguments)
        yield Wanted(arguments, config, options(arguments, config))
        return
    with tempfile.TemporaryDirectory(prefix="kguard-") as folder:
        base = _Base(revision, git.top_level(), Path(folder))
        then = base.arguments(arguments)
        config = base.config(then)
        yield Wanted(then, config, base.options(then, config))


class _Base:
    """The settings of a revision, beside the files of the working tree.

    Of the revision only that is written which settings are looked for in, or which they name.
    """

    def __init__(self, revision: str, root: Path, tree: Path) -> None:
        self._revision, self._root, self._tree = revision, root, tree
        (tree / ".git").mkdir()  # settings are looked for up to here
        self._held = git.tree(f"{git.PREFIX}{revision}")
        self._written: set[str] = set()
        names = (FILE_NAME, *IGNORE_FILES)
        self._write([b for p, b in self._held.blobs.items() if p.rpartition("/")[2] in names])

    def _write(self, blobs: Sequence[git.Blob]) -> None:
        new = [blob for blob in blobs if blob.path not in self._written]
        git.write(new, self._tree)
        self._written |= {blob.path for blob in new}

    def _holds(self, inside: Path) -> bool:
        """Whether the revision has a file or folder, which is written then."""
        found = self._held.below(self._name(inside))
        self._write(found)
        return bool(found)

    def _name(self, inside: Path) -> str:
        name = inside.relative_to(self._tree).as_posix()
        return "" if name == "." else name

    def arguments(self, arguments: dict[str, Any]) -> dict[str, Any]:
        """The arguments, with the files of the revision for those that are settings."""
        files = {name: "".join(self._then([arguments[name]])) for name in _FILES if arguments[name]}
        lists = {name: tuple(self._then(arguments[name])) for name in _LISTS}
        settled = (str(self._root), str(self._tree))
        return {**arguments, **files, **lists, "settled": settled}

    def _then(self, names: Sequence[str]) -> Iterator[str]:
        for name in names:
            inside = None if name.startswith(git.PREFIX) else self._inside(name)
            if inside is None:
                yield name  # not in the repository: no change of it can have touched the file
            elif self._holds(inside):
                yield str(inside)
            else:
                note(f"{name}: {self._revision} has no such file, it does not count")

    def _inside(self, name: str) -> Path | None:
        path = Path(name).resolve()
        return (
            self._tree / path.relative_to(self._root) if path.is_relative_to(self._root) else None
        )

    def config(self, arguments: dict[str, Any]) -> Config:
        """The settings of the revision, for files of the working tree."""
        found = (
            Path(arguments["config"]) if arguments["config"] else discover(self._start(arguments))
        )
        if found is None:
            return Config(tree=str(self._root))
        config = read(found)
        if not found.is_relative_to(self._tree):
            return config
        settings = msgspec.to_builtins(msgspec.structs.replace(config, **_SUBJECTS))
        for name in _texts(settings):
            place = Path(os.path.normpath(found.parent / name))
            if place.is_relative_to(self._tree) and place != self._tree:
                self._holds(place)
        tree = self._root / found.parent.relative_to(self._tree)
        return msgspec.structs.replace(config, tree=str(tree))

    def _start(self, arguments: dict[str, Any]) -> Path:
        return next(filter(None, map(self._inside, arguments["inputs"] or ["."])), self._tree)

    def options(self, arguments: dict[str, Any], config: Config) -> Options:
        """What the user asked for, with the waivers that the revision has."""
        found = options(arguments, config)
        return msgspec.structs.replace(found, approved=self._approved(arguments, config, found))

    def _approved(
        self, arguments: dict[str, Any], config: Config, chosen: Options
    ) -> frozenset[str]:
        named = arguments["inputs"] or [config.subject(name) for name in config.inputs]
        inside = filter(None, map(self._inside, named))
        revision = f"{git.PREFIX}{self._held.commit}"
        inputs = [":".join(filter(None, (revision, self._name(place)))) for place in inside]
        if not inputs:
            return frozenset()
        plain = msgspec.structs.replace(config, **_SUBJECTS)
        beside = {"inputs": inputs, "flow_files": (), "falco_rules": (), "listed": None}
        collected = collect({**arguments, **beside}, plain, report=True)
        if not waivers.marked(collected):
            return frozenset()
        inventory = inventory_of(collected, chosen)
        waived = {waiver.identity for waiver in waivers.inline(collected, inventory)}
        return acceptances(inventory) | waived


def _texts(value: Any) -> Iterator[str]:
    """All texts of some settings: each may be the name of a file."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list | tuple):
        for entry in value.values() if isinstance(value, dict) else value:
            yield from _texts(entry)
